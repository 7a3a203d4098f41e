"""``python -m training ensemble INIT INIT``: join several initializations of the same data into one."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.initialization import CARD, Initialization
from training.commands.outputs import check_folder
from training.commands.table import card_table
from training.commands.task_options import add_data_options, warn_of_seen
from training.recipe import Data
from training.run.ensemble import ensemble_of, publish_ensemble
from training.run.named import find
from training.run.run_classes import load_classes


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("ensemble", help="combine several separately trained initializations into one")
    parser.add_argument(
        "members", nargs="+", metavar="INIT", help="folders, or names of shipped or published ones"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write the initialization to")
    parser.add_argument("--name", default="", help="name on its card (default: that of the first)")
    add_data_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Join the members, measure the ensemble, and write it."""
    members = [find(name) for name in options.members]
    _check_twice(members)
    check_folder(options.out)
    if (options.out / CARD).exists():  # it may be one of the members
        raise ValueError(f"{options.out} holds an initialization already; choose another --out")
    ensemble_of(members)  # refuses members that do not go together, before data are read
    first = members[0]
    data = Data(**first.card["recipe"]["data"])
    classes = load_classes(data, first.preprocessing, data_dir=options.data_dir, download=options.download)
    for one in members:
        warn_of_seen(one, data.name, "validation", classes.validation)
    made = publish_ensemble(members, classes.episodes, classes.validation, options.out, options.name)
    print(card_table(made.card))
    print(f"initialization {made.name} {made.version}, of {len(members)} members, in {options.out}")


def _check_twice(members: Sequence[Initialization]) -> None:
    versions = [one.version for one in members]
    for place, one in enumerate(members):
        if one.version in versions[:place]:
            raise ValueError(f"{one.name} {one.version} is given twice: beside itself it tells nothing new")
