"""``python -m training compare [PLAN]``: compare meta-learning with ordinary learning, as JSON and a report."""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from training.commands.outputs import check_folder
from training.commands.run_options import add_machine_options, add_set_option, set_up_torch
from training.commands.task_options import add_data_options
from training.comparison.cells import Bench
from training.comparison.compared_classes import load_compared_classes
from training.comparison.contenders import contenders
from training.comparison.documents import PARTS, fill
from training.comparison.kept import open_folder
from training.comparison.marked import check_marked
from training.comparison.plan import Plan
from training.comparison.plan_reading import read_plan
from training.comparison.report import HTML, write_report
from training.comparison.results import Results
from training.comparison.running import ADDED_TO, measured_cells
from training.comparison.task_classes import TaskClasses
from training.held_folder import held
from training.outer.processes import choose_device


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("compare", help="compare meta-learning with ordinary machine learning")
    parser.add_argument(
        "plan",
        nargs="?",
        default="omniglot",
        help="omniglot, strokes, or your own YAML file (default: %(default)s)",
    )
    parser.add_argument(
        "--algorithms", nargs="+", default=[], metavar="NAME", help="use these algorithms instead of the plan's"
    )
    add_set_option(parser, "override values of the plan, e.g. tasks.episodes=1000")
    add_data_options(parser)
    parser.add_argument(
        "--out", type=Path, help="folder of the comparison (default: runs/compare-<the plan's name>)"
    )
    parser.add_argument("--resume", action="store_true", help="continue an interrupted comparison in --out")
    parser.add_argument(
        "--fill",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="write the figures to marked places of these documents, and the drawings to a folder beside each",
    )
    add_machine_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure what is not measured yet, then write the report.

    Raises:
        HeldError: if another process measures in the folder of the comparison.
    """
    set_up_torch(options)
    plan = read_plan(options.plan, options.set, options.algorithms)
    out = options.out or Path("runs") / f"compare-{plan.name}"
    check_folder(out)
    device = choose_device(options.device)
    for path in options.fill:
        check_marked(path, PARTS)
    classes = load_compared_classes(plan, options.data_dir, download=options.download)
    with held(out, made=not options.resume):
        _measure(plan, classes, out, device, options)


def _measure(
    plan: Plan, classes: TaskClasses, out: Path, device: torch.device, options: argparse.Namespace
) -> None:
    open_folder(
        out,
        plan.as_dict(),
        data=classes.digest,
        what="comparison",
        added_to=ADDED_TO,
        resume=options.resume,
    )
    compared = contenders(plan.algorithms)
    try:
        cells = tuple(measured_cells(Bench(plan, classes, out, device), compared))
    except KeyboardInterrupt:
        print(f"\nfinished cells are in {out}; continue with --resume", file=sys.stderr)
        raise
    results = Results(plan, compared, cells, classes.facts())
    write_report(results, out)
    for path in options.fill:
        fill(path, results)
        print(f"filled {path}")
    print(f"report: {out / HTML}")
