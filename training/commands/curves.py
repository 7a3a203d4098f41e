"""``python -m training curves INIT``: what inner steps gain, by shots, as a table and a chart."""

import argparse
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.commands.outputs import check_outputs, write_output
from training.commands.task_options import add_task_options, check_least, classes_of, protocol_of
from training.measures.curve_chart import chart
from training.measures.curves import curves
from training.run.named import find


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("curves", help="measure accuracy by inner steps and shots")
    parser.add_argument("initialization", help="a folder, or the name of a shipped or published one")
    add_task_options(parser, required=True)
    parser.set_defaults(queries=10, episodes=600)
    parser.add_argument(
        "--shots",
        type=int,
        nargs="+",
        default=[1, 2, 5, 10],
        help="support examples of each class (default: 1 2 5 10)",
    )
    parser.add_argument(
        "--steps", type=int, nargs="+", default=[1, 2, 5, 10], help="numbers of inner steps (default: 1 2 5 10)"
    )
    parser.add_argument("--rate", type=float, help="use this inner rate instead of the learned ones")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the curves to this SVG file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this JSON file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure and print; draw the curves and write JSON if asked to."""
    if min(options.steps) < 1:
        raise ValueError("--steps are at least 1, from no step on")
    check_least(1, shots=min(options.shots))
    if options.rate is not None and not 0 < options.rate < math.inf:
        raise ValueError(f"--rate must be a number above 0, not {options.rate:g}")
    check_outputs(options.svg, options.json)
    initialization = find(options.initialization)
    protocol, classes = protocol_of(options, shots=1), classes_of(initialization, options)
    points = []
    for point in curves(initialization, classes, protocol, options.shots, options.steps, options.rate):
        steps = "chosen" if point.steps is None else str(point.steps)
        print(
            f"{point.shots:>3}-shot {steps:>7} steps: {100 * point.accuracy:6.2f} %, gained "
            f"{100 * point.gain:+.2f} ± {100 * point.interval:.2f}, worst task {100 * point.worst:+.1f}"
        )
        points.append(point)
    rate = "learned rates" if options.rate is None else f"rate {options.rate:g}"
    title = (
        f"{initialization.name}, {options.dataset} {options.split}, {options.ways}-way{protocol.where}, {rate}"
    )
    if options.svg:
        write_output(options.svg, chart(title, points))
    if options.json:
        facts = asdict(protocol) | {"rate": options.rate, "points": [asdict(point) for point in points]}
        write_output(options.json, json.dumps(facts, indent=2) + "\n")
