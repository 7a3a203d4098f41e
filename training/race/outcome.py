"""The outcome of a race: its rows as JSON, a table in Markdown and a drawing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.charts.row_figure import Mark, Row, RowFigure, Rows
from training.charts.style import FIRST_COOL, Look
from training.comparison.marked import FOLDER
from training.comparison.results import Figure
from training.race.plan import Plan
from training.race.rows import DIVERGED
from training.whole_file import write_whole

JSON, TABLE, DRAWING = "race.json", "race.md", "race.svg"
PART = "race"  # name of its marked place in documents
_ALL = 100.0  # percent


@dataclass(frozen=True)
class Outcome:
    """All results of a race.

    Attributes:
        plan: of the race.
        rows: JSON values of the finished ones (see ``training.race.rows``), at least one of them measured.
        facts: numbers of training, development and unseen classes.
    """

    plan: Plan
    rows: Sequence[dict[str, Any]]
    facts: dict[str, int]

    def write(self, out: Path) -> None:
        """Write JSON, table and drawing into a folder."""
        document = {"plan": self.plan.as_dict(), "facts": self.facts, "rows": list(self.rows)}
        write_whole(out / JSON, json.dumps(document, indent=1) + "\n")
        write_whole(out / TABLE, f"![race]({DRAWING})\n\n{self.text()}")
        write_whole(out / DRAWING, self.drawing())

    def part(self) -> str:
        """The text for a document's marked place, which shows the drawing in a folder beside the document."""
        return f"![race]({FOLDER}/{PART}.svg)\n\n{self.text()}"

    def text(self) -> str:
        """The protocol in sentences, and the table."""
        head = [
            "algorithm",
            *self._shapes(),
            "tasks/s",
            "outer steps",
            "training, s",
            "adapting, ms",
            "parameters trained",
        ]
        lines = [head, ["---"] * len(head), *map(self._line, self.rows)]
        return f"{self._protocol()}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"

    def drawing(self) -> str:
        """Draw accuracies with their intervals as SVG, the best at the last of the plan's ways on top."""
        shapes = self._shapes()
        rows = []
        measured = [row for row in self.rows if DIVERGED not in row]
        for row in sorted(measured, key=lambda one: -float(one["unseen"][-1]["accuracy"])):
            marks = []
            for place, one in enumerate(row["unseen"]):
                figure = Figure.of(one)
                tip = f"{row['algorithm']}, {shapes[place]}: {figure} %"
                marks.append(Mark(figure.mean, figure.half, place < len(shapes) - 1, tip))
            rows.append(Row(row["algorithm"], Look(FIRST_COOL), tuple(marks)))
        title = f"{self.plan.seconds:g} s of training each"
        label = f"accuracy on unseen classes of {self.plan.data.name}, in percent"
        group = Rows(title, tuple(rows), label, ceiling=_ALL)
        meanings = (shapes[1], shapes[0]) if len(shapes) > 1 else None
        return RowFigure(f"Algorithms after {title}", (group,), meanings).draw()

    def _shapes(self) -> list[str]:
        return [protocol.describe() for protocol in self.plan.protocols()]

    def _line(self, row: dict[str, Any]) -> list[str]:
        name = f"{row['algorithm']} (own {row['own']})" if row["own"] else row["algorithm"]
        if DIVERGED in row:
            return [name, f"diverged: {row[DIVERGED]}"] + [""] * (4 + len(self._shapes()))
        training = row["training"]
        return [
            name,
            *(str(Figure.of(one)) for one in row["unseen"]),
            f"{training['tasks_per_second']:.0f}",
            f"{training['steps']:,}",
            f"{training['seconds']:.0f}",
            f"{1000 * row['seconds_of_adapting']:.1f}",
            f"{row['parameters']:,}",
        ]

    def _protocol(self) -> str:
        plan, facts = self.plan, self.facts
        training, choice, tasks = plan.training, plan.choice, plan.tasks
        machines = " and ".join(dict.fromkeys(row["machine"] for row in self.rows))
        return (
            f"Measured on `{plan.data.name}` with {facts['training_classes']} training classes, "
            f"{facts['development_classes']} development classes for choosing phi ({choice.episodes} "
            f"{choice.ways}-way tasks at each of {training.looks} looks, seed {choice.seed}), and "
            f"{facts['unseen_classes']} unseen classes of the validation split, on which nothing was chosen. "
            f"Each accuracy is a mean over {tasks.episodes:,} tasks (seed {tasks.seed}) with {tasks.queries} "
            "queries per class, each answered on its own (inductive), in percent with its 95 % interval over "
            f"tasks. One training run per algorithm (seed {plan.seed}), on {training.ways}-way "
            f"{training.shots}-shot tasks; a short trial sets its number of outer steps so that they should take "
            f"{plan.seconds:g} s, and the table shows the seconds that they actually took. Adapting: median time "
            f"for a single {self._shapes()[0]} task, on one thread. Machine: {machines}."
        )
