"""``python -m training calibrate INIT``: fit the confidence of an initialization anew, without training."""

import argparse
from pathlib import Path
from typing import Any

from models.initialization import load, save, shipped
from training.commands.table import card_table
from training.datasets.registry import load_split
from training.measures.assessment import assess
from training.recipe import CALIBRATION_TASKS, Report

_WRITTEN_BY_SAVE = ("format", "name", "version", "learner", "preprocessing", "confidence", "weights")


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("calibrate", help="fit an initialization's confidence anew and rewrite its card")
    parser.add_argument("initialization", help="a folder, or the name of a shipped one; its card is rewritten")
    parser.add_argument(
        "--tasks", type=int, default=CALIBRATION_TASKS, help="of each size to fit on (default: %(default)s)"
    )
    parser.add_argument("--data-dir", type=Path, help="where data sets lie (default: METASHOT_DATA)")
    parser.add_argument("--download", action="store_true", help="fetch the data set where it is not there")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Fit and measure on the validation classes of the card's own recipe; phi stays as it is."""
    folder = shipped().get(options.initialization, Path(options.initialization))
    initialization = load(folder)
    recipe = initialization.card.get("recipe")
    if recipe is None:
        raise ValueError(f"the card of {folder} tells no recipe, so not on which classes it may be calibrated")
    validation = load_split(
        recipe["data"]["name"],
        "validation",
        preprocessing=initialization.preprocessing,
        data_dir=options.data_dir,
        seed=recipe["data"]["seed"],
        download=options.download,
        classes=initialization.card["trained_on"]["validation_classes"],
    )
    found = assess(
        initialization.learner,
        initialization.phi,
        initialization.preprocessing,
        validation,
        [Report(**report) for report in recipe["reports"]],
        recipe["report_episodes"],
        options.tasks,
    )
    facts = {name: value for name, value in initialization.card.items() if name not in _WRITTEN_BY_SAVE}
    saved = save(
        folder,
        name=initialization.name,
        learner=initialization.learner,
        phi=initialization.phi,
        preprocessing=initialization.preprocessing,
        confidence=found.confidence,
        facts={**facts, **found.facts},
    )
    print(card_table(saved.card))
    print(f"card of {saved.name} {saved.version} in {folder} rewritten")
