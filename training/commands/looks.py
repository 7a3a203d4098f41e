"""``python -m training looks INIT INIT``: accuracy at each look at the validation tasks during training."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.initialization import Initialization
from training.charts.line_figure import Line, LineFigure, Panel, Point
from training.charts.style import FIRST_COOL, Look
from training.commands.outputs import check_outputs, write_output
from training.run.named import find


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "looks", help="show the accuracy on validation tasks during training, as recorded in cards"
    )
    parser.add_argument("initializations", nargs="+", help="folders, or names of shipped or published ones")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the curves to this SVG file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print each run's looks, and draw all of them if asked to."""
    check_outputs(options.svg)
    found = [find(name) for name in options.initializations]
    for one in found:
        told = ", ".join(f"{step}: {100 * accuracy:.1f}" for step, accuracy in _looks(one))
        print(f"{one.name}, accuracy in percent by outer step: {told}")
    if options.svg:
        write_output(options.svg, _drawn(found))


def _drawn(runs: Sequence[Initialization]) -> str:
    lines = tuple(
        Line(
            one.name,
            Look(FIRST_COOL + place),
            tuple(Point(step, 100 * accuracy) for step, accuracy in _looks(one)),
        )
        for place, one in enumerate(runs)
    )
    panel = Panel("", lines, "outer steps")
    title = "Accuracy on the validation tasks that choose phi, against outer steps"
    y_label = "accuracy on the validation tasks that choose phi, in percent"
    return LineFigure(title, (panel,), y_label, size=(720, 340), ceiling=100.0).draw()


def _looks(one: Initialization) -> list[tuple[int, float]]:
    looks: list[tuple[int, float]] = one.card.get("trained_on", {}).get("looks", [])
    if not looks:
        raise ValueError(
            f"the card of {one.name} {one.version} tells of no looks: it is of an ensemble, or was made "
            "before cards told them"
        )
    return looks
