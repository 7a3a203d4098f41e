"""``python -m training race [PLAN]``: compare all algorithms on the same data, backbone and training time."""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from training.commands.outputs import check_folder
from training.commands.run_options import add_machine_options, add_set_option, set_up_torch
from training.commands.task_options import add_data_options
from training.comparison.kept import open_folder
from training.comparison.marked import check_marked, fill_marked
from training.comparison.plan_reading import PlanError
from training.comparison.task_classes import TaskClasses
from training.held_folder import held
from training.outer.processes import choose_device
from training.race.classes import load_race_classes
from training.race.outcome import DRAWING, PART, TABLE, Outcome
from training.race.plan import Plan, read_plan, with_kept
from training.race.rows import DIVERGED, Track, kept_rows


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("race", help="compare all algorithms after the same training time")
    parser.add_argument(
        "plan",
        nargs="?",
        default="omniglot",
        help="omniglot, strokes, folder, or your own YAML file (default: %(default)s)",
    )
    parser.add_argument("--seconds", type=float, help="training time of each algorithm (default: the plan's)")
    parser.add_argument(
        "--only",
        default="",
        metavar="NAME,NAME",
        help="race only these algorithms, besides those that --resume finds finished (default: the plan's)",
    )
    add_set_option(parser, "override values of the plan, e.g. tasks.episodes=600")
    add_data_options(parser)
    parser.add_argument("--out", type=Path, help="folder of the race (default: runs/race-<the plan's name>)")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted race in --out")
    parser.add_argument(
        "--fill",
        type=Path,
        metavar="FILE",
        help="write the table and the drawing to the marked place of this document",
    )
    add_machine_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train and measure the algorithms without a row yet; the table is written anew after each.

    Raises:
        PlanError: at the end, naming algorithms whose training diverged.
        HeldError: if another process races in the folder.
    """
    set_up_torch(options)
    algorithms = [name.strip() for name in options.only.split(",") if name.strip()]
    plan = read_plan(options.plan, options.set, algorithms=algorithms, seconds=options.seconds)
    if options.fill:
        check_marked(options.fill, [PART])
    out = options.out or Path("runs") / f"race-{plan.name}"
    check_folder(out)
    device = choose_device(options.device)
    classes = load_race_classes(plan, options.data_dir, download=options.download)
    with held(out, made=not options.resume):
        _race(plan, classes, out, device, options)


def _race(plan: Plan, classes: TaskClasses, out: Path, device: torch.device, options: argparse.Namespace) -> None:
    if options.resume:
        plan = with_kept(plan, kept_rows(out))
    open_folder(
        out,
        plan.as_dict(),
        data=classes.digest,
        what="race",
        added_to=["algorithms"],
        resume=options.resume,
    )
    rows: list[dict[str, Any]] = []
    diverged: list[str] = []
    outcome: Outcome | None = None
    try:
        for row in Track(plan, classes, out, device).rows():
            rows.append(row)
            if DIVERGED in row:
                diverged.append(row["algorithm"])
            if len(diverged) < len(rows):
                outcome = Outcome(plan, rows, classes.facts())
                outcome.write(out)
    except KeyboardInterrupt:
        print(f"\nfinished rows and the training at hand are in {out}; continue with --resume", file=sys.stderr)
        raise
    if outcome is not None:
        print(outcome.text())
        if options.fill:
            fill_marked(options.fill, {PART: outcome.part}, {PART: outcome.drawing()})
            print(f"filled {options.fill}")
        print(f"table in {out / TABLE}, picture in {out / DRAWING}")
    if diverged:
        raise PlanError(
            f"the training of {', '.join(diverged)} has diverged: lower training.learning_rate and race anew in "
            "another --out"
        )
