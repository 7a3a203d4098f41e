"""Measures the cells of a comparison, each kept in a file once finished, so that it can be resumed."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from training.comparison.cells import Bench, Cell, cells_of
from training.comparison.contenders import Contender
from training.comparison.kept import read
from training.progress import bar
from training.run.machine import described
from training.whole_file import write_whole

ADDED_TO = ("algorithms", "classes", "augmented_classes")  # these decide which cells exist, not what one holds
_CELLS = "cells"


def measured_cells(bench: Bench, contenders: Sequence[Contender]) -> Iterator[dict[str, Any]]:
    """Yield each cell's JSON values, measured now or read from an earlier run."""
    folder = bench.out / _CELLS
    folder.mkdir(exist_ok=True)
    cells = cells_of(bench.plan, contenders, bench.classes)
    missing = [cell for cell in cells if not _file(folder, cell).exists()]
    with bar(len(cells), bench.plan.name, "cell", done=len(cells) - len(missing)) as shown:
        for cell in cells:
            path = _file(folder, cell)
            if cell in missing:
                start = time.perf_counter()
                values = bench.measure(cell) | {"machine": described(bench.device)}
                write_whole(path, json.dumps(values) + "\n")
                tqdm.write(_told(cell, values, time.perf_counter() - start))
                shown.update(1)
            yield read(path)


def _file(folder: Path, cell: Cell) -> Path:
    return folder / f"{cell.name}.json"


def _told(cell: Cell, values: dict[str, Any], seconds: float) -> str:
    accuracies = ", ".join(
        f"{shots}-shot {100 * one['accuracy']:.1f} ± {100 * one['interval_95']:.1f}"
        for shots, one in values["unseen"].items()
    )
    trained = f"{cell.classes} classes{', augmented' if cell.augmented else ''}"
    return f"{cell.contender.title}, {trained}: {accuracies} % ({seconds:.0f} s)"
