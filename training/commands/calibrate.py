"""``python -m training calibrate INIT``: refit the confidence of an initialization, without training."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.initialization import Initialization, learner_as_dict, load, save
from models.learner import Learner
from training.commands.outputs import check_folder
from training.commands.run_options import add_set_option
from training.commands.table import card_table
from training.commands.task_options import add_data_options, check_least, warn_of_seen
from training.datasets.registry import load_split
from training.measures.assessment import assess_again
from training.measures.inherited import INHERITED, Inherited
from training.recipe import CALIBRATION_TASKS, Data
from training.run.changed_learner import changed, measured
from training.run.half_kernels import with_half_kernels
from training.run.named import folder_of
from training.run.run_classes import load_classes

_WRITTEN_BY_SAVE = ("format", "name", "version", "learner", "preprocessing", "confidence", "weights")


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("calibrate", help="refit an initialization's confidence and rewrite its card")
    parser.add_argument(
        "initialization",
        help="a folder, or the name of a shipped one; its card is rewritten unless --out is given",
    )
    parser.add_argument("--out", type=Path, help="write to this folder instead")
    add_set_option(
        parser,
        "change how the learner uses phi, for example learner.head.pull=2; the centre and scatter of training "
        "images' features are then measured again",
    )
    parser.add_argument(
        "--halves", action="store_true", help="first round kernels to float16, which halves the file"
    )
    parser.add_argument(
        "--tasks", type=int, default=CALIBRATION_TASKS, help="tasks of each size to fit on (default: %(default)s)"
    )
    add_data_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Fit and measure on the validation classes of the recipe in the card; nothing that phi has learned changes.

    Options may round phi's kernels or change the learner; the centre and scatter of the training images' features
    are then measured again for a changed learner.

    Raises:
        ValueError: if an option does not fit, or the card has no recipe.
    """
    check_least(1, tasks=options.tasks)
    folder = folder_of(options.initialization)
    initialization = load(folder)
    out = options.out or folder
    check_folder(out)
    if options.halves:
        initialization = replace(initialization, phi=with_half_kernels(initialization.phi))
    recipe = initialization.card.get("recipe")
    if recipe is None:
        raise ValueError(f"the card of {folder} tells no recipe, so not on which classes it may be calibrated")
    learner, phi, preprocessing = initialization.learner, initialization.phi, initialization.preprocessing
    where = {"preprocessing": preprocessing, "data_dir": options.data_dir, "download": options.download}
    if options.set:
        learner = changed(initialization, options.set)
        classes = load_classes(Data(**recipe["data"]), **where)
        phi, validation = measured(learner, initialization, classes.episodes), classes.validation
        recipe = {**recipe, "learner": learner_as_dict(learner)}
    else:
        validation = load_split(
            recipe["data"]["name"],
            "validation",
            seed=recipe["data"]["seed"],
            classes=initialization.card["trained_on"]["validation_classes"],
            **where,
        )
    warn_of_seen(initialization, recipe["data"]["name"], "validation", validation)
    found = assess_again(
        initialization.card,
        learner,
        phi,
        preprocessing,
        validation,
        options.tasks,
        _inherited(initialization, learner),
    )
    facts = {name: value for name, value in initialization.card.items() if name not in _WRITTEN_BY_SAVE}
    saved = save(
        out,
        name=initialization.name,
        learner=learner,
        phi=phi,
        preprocessing=preprocessing,
        confidence=found.confidence,
        facts={**facts, "recipe": recipe, **found.facts},
    )
    print(card_table(saved.card))
    print(f"{saved.name} {saved.version} written to {out}")


def _inherited(initialization: Initialization, learner: Learner) -> Inherited | None:
    """The confidence, if it was inherited itself, and the learner is still one that it holds for."""
    source = initialization.card.get("calibration", {}).get(INHERITED)
    own = source and Inherited.of(initialization, learner, initialization.phi)
    return replace(own, **source) if own else None
