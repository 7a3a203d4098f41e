"""``python -m training list``: the shipped and published initializations, and the recipes."""

import argparse
from pathlib import Path
from typing import Any

from models.initialization import load, shipped
from models.published import published
from training.commands.table import card_table
from training.recipe_reading import RECIPES


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("list", help="show shipped and published initializations, and recipes")
    parser.set_defaults(run=run)


def run(_options: argparse.Namespace) -> None:
    """Print the initializations, shipped ones with their evaluation, and the paths of the recipes."""
    for name, folder in shipped().items():
        initialization = load(folder)
        print(f"{name} {initialization.version} (shipped)\n{card_table(initialization.card)}\n")
    for one in published():
        print(f"{one.name}:{one.version} (in the BentoML model store)")
    here = Path.cwd()
    print("recipes:")
    for path in sorted(RECIPES.glob("*.yaml")):
        print(f"  {path.relative_to(here) if path.is_relative_to(here) else path}")
