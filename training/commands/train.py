"""``python -m training train RECIPE``: meta-train, then measure and write the initialization."""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch
import yaml

from training.augmentation import with_reflections, with_rotations
from training.commands.table import card_table
from training.datasets.registry import load_split
from training.publication import publish_run
from training.recipe import RecipeError
from training.recipe_reading import read_recipe
from training.trainer import CHECKPOINT, Trainer

_VALIDATION_STROKES = 200


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("train", help="meta-train by a recipe")
    parser.add_argument("recipe", type=Path, help="a YAML file, for example training/recipes/characters.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. outer.steps=500")
    parser.add_argument("--data-dir", type=Path, help="where data sets lie (default: METASHOT_DATA)")
    parser.add_argument("--download", action="store_true", help="fetch the data set where it is not there")
    parser.add_argument("--out", type=Path, help="of the run (default: runs/<the recipe's name>)")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run in --out")
    parser.add_argument("--threads", type=int, help="for torch (default: as many as cores)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train, and leave ``initialization/`` in the run's folder."""
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = read_recipe(options.recipe, options.set)
    out = options.out or Path("runs") / recipe.name
    started = (out / CHECKPOINT).exists()
    if options.resume and not started:
        raise RecipeError(f"there is nothing to resume in {out}; start without --resume")
    if started and not options.resume:
        raise RecipeError(f"{out} holds a run already; continue it with --resume or choose another --out")
    sources = {"data_dir": options.data_dir, "seed": recipe.data.seed, "download": options.download}
    preprocessing = recipe.build_preprocessing()
    training = load_split(
        recipe.data.name, "train", preprocessing=preprocessing, classes=recipe.data.classes, **sources
    )
    validation = load_split(
        recipe.data.name, "validation", preprocessing=preprocessing, classes=_VALIDATION_STROKES, **sources
    )
    episodes_from = with_rotations(training) if recipe.data.rotations else training
    if recipe.data.reflections:
        episodes_from = with_reflections(episodes_from)
    trainer = Trainer(recipe, episodes_from, validation, out)
    if options.resume:
        trainer.resume()
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.yaml").write_text(yaml.safe_dump(recipe.as_dict(), sort_keys=False, allow_unicode=True))
    print(f"{len(training.classes)} training classes, {len(validation.classes)} validation classes; run in {out}")
    try:
        trainer.run()
    except KeyboardInterrupt:
        print(f"\nsaved at step {trainer.progress.step}; continue with --resume", file=sys.stderr)
        raise
    best = {name: value.detach() for name, value in trainer.best.items()}
    initialization = publish_run(recipe, best, trainer.progress, training, validation, out / "initialization")
    print(card_table(initialization.card))
    print(f"initialization {initialization.name} {initialization.version} in {out / 'initialization'}")
