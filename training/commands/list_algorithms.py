"""``python -m training list-algorithms``: the algorithms, each with its four parts, its source and a recipe."""

import argparse
from typing import Any

from training.algorithms import ALGORITHMS, ANY_ALGORITHM, STRUCTURE, Algorithm
from training.recipe_reading import RECIPES, read_values


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("list-algorithms", help="show the algorithms that a recipe can name")
    parser.set_defaults(run=run)


def run(_options: argparse.Namespace) -> None:
    """Print the algorithms, one a line."""
    titles = ("algorithm", "backbone", "head", "inner rule", "outer rule", "source", "recipe")
    rows = [titles] + [_row(name, algorithm) for name, algorithm in ALGORITHMS.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(titles))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(name: str, algorithm: Algorithm) -> tuple[str, ...]:
    setting = f" --set algorithm={name}" if algorithm.recipe == ANY_ALGORITHM else ""
    return (
        name,
        "searched" if algorithm.recipe == STRUCTURE else "any",
        str(algorithm.head["kind"]),
        _inner(algorithm),
        _outer(algorithm),
        algorithm.source,
        f"training/recipes/{algorithm.recipe}{setting}",
    )


def _inner(algorithm: Algorithm) -> str:
    rule = algorithm.rule
    if rule["moves"] == "nothing":
        return "nothing moves"
    rates = {
        "one": "one rate",
        "layer-step": "a rate a layer and step",
        "parameter": "a rate a parameter",
        "gate": "a gate a layer",
    }
    steps = f"{rule['steps']} step" + "s" * (rule["steps"] > 1)
    return f"{rule['moves']}, {steps}, {rates.get(rule['rates'], rule['rates'])}"


def _outer(algorithm: Algorithm) -> str:
    # The recipe takes precedence: it may be of first order where the algorithm alone would not be.
    outer = {**algorithm.outer, **read_values(RECIPES / algorithm.recipe, ())["outer"]}
    if (rule := outer.get("rule", "gradient")) != "gradient":
        return str(rule)
    if algorithm.rule["moves"] == "nothing":
        return "gradient"
    order = "second order" if outer.get("second_order", True) else "first order"
    return f"{order}, multi-step, annealed" if "multi_step_until" in outer else order
