"""``python -m training curves INIT``: what inner steps bring, by shots, as a table and a chart."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.commands.evaluate import find
from training.datasets.registry import load_split
from training.measures.curve_chart import chart
from training.measures.curves import curves
from training.measures.measured import Protocol


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("curves", help="measure accuracy against inner steps and shots")
    parser.add_argument("initialization", help="a folder, or the name of a shipped one")
    parser.add_argument("--dataset", required=True, help="omniglot, mini_imagenet, folder or strokes")
    parser.add_argument("--split", default="validation", choices=["train", "validation", "test"])
    parser.add_argument("--ways", type=int, default=5)
    parser.add_argument("--shots", type=int, nargs="+", default=[1, 2, 5, 10])
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 2, 5, 10])
    parser.add_argument("--rate", type=float, help="in place of the learned inner rates")
    parser.add_argument("--queries", type=int, default=10, help="query images of a class")
    parser.add_argument("--episodes", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0, help="of the episodes")
    parser.add_argument(
        "--within-alphabet", action="store_true", help="draw each task from one alphabet or group"
    )
    parser.add_argument("--data-dir", type=Path, help="where data sets lie (default: METASHOT_DATA)")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the curves there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure, print, draw and write where asked."""
    if min(options.steps) < 1 or options.episodes < 2:
        raise ValueError("--steps are at least 1, from no step on, and --episodes at least 2")
    initialization = find(options.initialization)
    classes = load_split(
        options.dataset,
        options.split,
        preprocessing=initialization.preprocessing,
        data_dir=options.data_dir,
    )
    protocol = Protocol(options.ways, 1, options.queries, options.episodes, options.seed, options.within_alphabet)
    points = []
    for point in curves(initialization, classes, protocol, options.shots, options.steps, options.rate):
        steps = "chosen" if point.steps is None else str(point.steps)
        print(
            f"{point.shots:>3}-shot {steps:>7} steps: {100 * point.accuracy:6.2f} %, gained "
            f"{100 * point.gain:+.2f} ± {100 * point.interval:.2f}, worst task {100 * point.worst:+.1f}"
        )
        points.append(point)
    rate = "learned rates" if options.rate is None else f"rate {options.rate:g}"
    where = " within one group" if protocol.within_group else ""
    title = f"{initialization.name}, {options.dataset} {options.split}, {options.ways}-way{where}, {rate}"
    if options.svg:
        options.svg.write_text(chart(title, points))
    if options.json:
        facts = asdict(protocol) | {"rate": options.rate, "points": [asdict(point) for point in points]}
        options.json.write_text(json.dumps(facts, indent=2) + "\n")
