"""``python -m training mistakes INIT``: which classes it mistakes for each other, as tables and a picture."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.commands.outputs import check_outputs, write_output
from training.commands.task_options import add_task_options, check_least, classes_of, protocol_of
from training.measures.evaluation import measure
from training.measures.mistakes import LEAST_ASKED, MistakenPair, mistakes
from training.measures.mistakes_chart import chart
from training.printable import printable
from training.run.named import find


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("mistakes", help="show which classes are mistaken for each other")
    parser.add_argument("initialization", help="a folder, or the name of a shipped or published one")
    add_task_options(parser, required=True)
    parser.add_argument(
        "--shots", type=int, default=1, help="support examples of each class (default: %(default)s)"
    )
    parser.add_argument(
        "--pairs", type=int, default=10, help="number of worst pairs to show (default: %(default)s)"
    )
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw images of these pairs to this SVG file")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write groups and all pairs to this JSON file"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure and print; draw the worst pairs and write JSON if asked to."""
    check_least(1, pairs=options.pairs)
    check_outputs(options.svg, options.json)
    protocol = protocol_of(options, options.shots)
    initialization = find(options.initialization)
    classes = classes_of(initialization, options)
    preprocessing = initialization.preprocessing
    measured = measure(
        initialization.learner, initialization.phi, preprocessing, classes, protocol, progress=True
    )
    found = mistakes(measured, classes)
    title = f"{initialization.name}, {options.dataset} {options.split}, {protocol.describe()}"
    print(
        f"{title}, {protocol.episodes} episodes, seed {protocol.seed}: "
        f"{100 * measured.accuracy:.2f} ± {100 * measured.interval:.2f} %"
    )
    if len(found.groups) > 1:
        width = max(len(printable(one.group)) for one in found.groups)
        for one in found.groups:
            interval = "" if one.interval is None else f" ± {100 * one.interval:.1f}"
            figures = f"{one.classes:>4} classes  {100 * one.accuracy:5.1f}{interval} %"
            print(f"  {printable(one.group):<{width}}  {figures}")
    worst = found.pairs[: options.pairs]
    if worst:
        share = 100 * found.of_worst(options.pairs)
        print(
            f"{len(worst)} of {len(found.pairs)} mistaken pairs (of {LEAST_ASKED} questions or more) make "
            f"{share:.0f} % of all mistakes:"
        )
    for pair in worst:
        print(f"  {_told(pair)}")
    if options.svg:
        write_output(options.svg, chart(title, worst, classes, drawings=preprocessing.kind == "drawing"))
    if options.json:
        facts = {"initialization": initialization.name, "dataset": options.dataset, "split": options.split}
        facts |= asdict(protocol) | {"accuracy": measured.accuracy, "interval_95": measured.interval}
        write_output(options.json, json.dumps(facts | asdict(found), indent=2) + "\n")


def _told(pair: MistakenPair) -> str:
    names = f"{printable(pair.first)} and {printable(pair.second)}"
    return f"{names}: {100 * pair.share:.1f} % of {pair.asked} questions"
