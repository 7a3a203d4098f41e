"""Records how the choices of a search settled, as a JSON file from which the picture is drawn."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.run.checkpoint import CheckpointError
from training.structure.space import AXES, Choices, Space
from training.whole_file import write_whole

FILE = "structure.json"


@dataclass
class Record:
    """The choices of a search over time.

    Attributes:
        space: what there is to choose from.
        budget: operations for one image.
        rows: in order of time, each with ``step``, expected ``operations`` and ``stages``: for each stage, the
            probabilities by axis.
    """

    space: Space
    budget: int
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, step: int, operations: float, probabilities: list[Choices]) -> None:
        """Append the choices as they are after a step."""
        stages = [{axis: _rounded(value.tolist()) for axis, value in one.items()} for one in probabilities]
        self.rows.append({"step": step, "operations": round(operations), "stages": stages})

    def write(self, folder: Path) -> None:
        """Write the record into a folder, whole or not at all."""
        stages = range(len(self.space.widths))
        options = [{axis: list(self.space.options(stage, axis)) for axis in AXES} for stage in stages]
        values = {"budget": self.budget, "options": options, "rows": self.rows}
        write_whole(folder / FILE, json.dumps(values) + "\n")

    def read(self, folder: Path, *, until: int) -> None:
        """Take the rows up to step ``until`` from the file that ``write`` left, if there is one.

        Raises:
            CheckpointError: if the file is damaged.
        """
        path = folder / FILE
        if not path.exists():
            return
        try:
            rows = json.loads(path.read_text())["rows"]
            self.rows = [row for row in rows if row["step"] <= until]
        except (ValueError, TypeError, LookupError) as error:
            raise CheckpointError(
                f"{path} is damaged ({error}); delete it and continue with --resume: what it told of earlier "
                "steps is lost, and nothing else"
            ) from error


def _rounded(values: list[float]) -> list[float]:
    return [round(value, 5) for value in values]
