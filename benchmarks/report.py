"""Rows, and their two forms: JSON and a Markdown table."""

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_JSON, _TABLE = "benchmarks.json", "benchmarks.md"
_COLUMNS = (
    "row",
    "measure",
    "Metashot",
    "baseline",
    "baseline's",
    "ratio",
    "rounds' ratios",
    "target",
    "met",
    "GFLOP a unit",
    "of the peak",
    "the target's",
    "time goes to",
    "cosine",
)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: what is done.
        measure: what the numbers are, with their unit.
        baseline: what Metashot is compared with, or why there is no figure.
        ours: Metashot's figure; None if it could not be measured.
        theirs: the baseline's.
        target: what must be reached, in words; empty for a figure that is only shown.
        met: whether it was; None without a target or a figure.
        span: the least and the greatest ratio of any round.
        flops: floating-point operations of a task, a request or an image.
        of_peak: fraction of the measured convolution peak that Metashot reached; over 1 if it multiplies less
            often than a convolution by its definition. For operations in two precisions, the time that they would
            take at their peaks, divided by the time that they took.
        target_of_peak: the fraction that would meet the target; if over 1, only a program that multiplies less
            often than a convolution by its definition could meet it on this machine.
        spent: what our time goes to, and what bounds that.
        cosine: cosine similarity of the two outer gradients.
    """

    name: str
    measure: str
    baseline: str
    ours: float | None = None
    theirs: float | None = None
    target: str = ""
    met: bool | None = None
    span: tuple[float, float] | None = None
    flops: float | None = None
    of_peak: float | None = None
    target_of_peak: float | None = None
    spent: str = ""
    cosine: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours divided by theirs; None without both."""
        return self.ours / self.theirs if self.ours is not None and self.theirs else None

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON values."""
        return {**dataclasses.asdict(self), "ratio": self.ratio}


def span_of(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest ratio of rounds that were measured side by side."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return min(ratios), max(ratios)


def head_lines() -> list[str]:
    """The table's first two lines."""
    return [f"| {' | '.join(_COLUMNS)} |", f"|{'---|' * len(_COLUMNS)}"]


def line(row: Row) -> str:
    """One line of the table."""
    cells = (
        row.name,
        row.measure,
        _number(row.ours),
        row.baseline,
        _number(row.theirs),
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.span is None else f"{row.span[0]:.2f} to {row.span[1]:.2f}",
        row.target,
        "" if row.met is None else ("yes" if row.met else "no"),
        "" if row.flops is None else f"{row.flops / 1e9:.3g}",
        "" if row.of_peak is None else f"{row.of_peak:.0%}",
        "" if row.target_of_peak is None else f"{row.target_of_peak:.0%}",
        row.spent,
        "" if row.cosine is None else f"{row.cosine:.6f}",
    )
    return f"| {' | '.join(cells)} |"


def set_aside(folder: Path) -> None:
    """Rename a folder's earlier results so that their names tell when they were written."""
    for path in (folder / _JSON, folder / _TABLE):
        if path.exists():
            stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(path.stat().st_mtime))
            path.rename(path.with_stem(f"{path.stem}-{stamp}"))


def write(
    folder: Path, rows: Sequence[Row], *, rounds: int, machine: Mapping[str, Any], peaks: Mapping[str, float]
) -> None:
    """Write ``benchmarks.json`` and ``benchmarks.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": machine,
        "peaks_flops_per_s": peaks,
        "rounds": rounds,
        "rows": [row.as_dict() for row in rows],
    }
    (folder / _JSON).write_text(json.dumps(document, indent=2) + "\n")
    facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items() if value is not None)
    reached = "; ".join(f"{name}: {value / 1e9:.0f} GFLOP/s" for name, value in peaks.items())
    lines = [
        f"Medians of {rounds} rounds, contenders in turn. Machine: {facts}.",
        "",
        f"Measured peaks: {reached}.",
        "",
        *head_lines(),
        *(line(row) for row in rows),
    ]
    (folder / _TABLE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
