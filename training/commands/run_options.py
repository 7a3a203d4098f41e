"""Options that the commands which run a recipe have in common."""

import argparse
from pathlib import Path

from training.run.trainer import BUDGET


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Declare the recipe, where its data lie, and on what to compute."""
    parser.add_argument("recipe", type=Path, help="a YAML file, for example training/recipes/characters.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. outer.steps=500")
    parser.add_argument("--data-dir", type=Path, help="where data sets lie (default: METASHOT_DATA)")
    parser.add_argument("--download", action="store_true", help="fetch the data set where it is not there")
    parser.add_argument("--threads", type=int, help="for torch (default: as many as cores)")
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or cuda:N (default: a GPU if there is one)"
    )
    parser.add_argument(
        "--memory-mb", type=int, default=BUDGET >> 20, help="for the tasks adapted at once (default: %(default)s)"
    )
