"""``python -m training compare [PLAN]``: meta-learning against ordinary learning, as JSON and a report."""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from training.comparison.cells import Bench
from training.comparison.contenders import contenders
from training.comparison.documents import fill
from training.comparison.kept import open_folder
from training.comparison.plan_reading import read_plan
from training.comparison.report import HTML, write_report
from training.comparison.results import Results
from training.comparison.running import ADDED_TO, measured_cells
from training.comparison.task_classes import load_classes
from training.outer.processes import choose_device
from training.run.allocation import keep_freed_memory


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("compare", help="compare meta-learning with ordinary machine learning")
    parser.add_argument(
        "plan", nargs="?", default="omniglot", help="omniglot, strokes, or a YAML file of your own"
    )
    parser.add_argument("--algorithms", nargs="+", default=[], metavar="NAME", help="in place of the plan's")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. tasks.episodes=1000"
    )
    parser.add_argument("--data-dir", type=Path, help="where data sets lie (default: METASHOT_DATA)")
    parser.add_argument("--download", action="store_true", help="fetch the data set where it is not there")
    parser.add_argument("--out", type=Path, help="of the comparison (default: runs/compare-<the plan's name>)")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted comparison in --out")
    parser.add_argument(
        "--fill",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="documents whose marked places get the figures, beside a folder with the drawings",
    )
    parser.add_argument("--threads", type=int, help="for torch (default: as many as cores)")
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or cuda:N (default: a GPU if there is one)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure what is not measured yet, then write the report."""
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    plan = read_plan(options.plan, options.set, options.algorithms)
    out = options.out or Path("runs") / f"compare-{plan.name}"
    device = choose_device(options.device)
    classes = load_classes(
        plan.data, plan.build_preprocessing(), plan.tasks.ways, options.data_dir, download=options.download
    )
    open_folder(out, plan.as_dict(), what="comparison", added_to=ADDED_TO, resume=options.resume)
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
