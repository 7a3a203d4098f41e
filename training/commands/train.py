"""``python -m training train RECIPE``: meta-train, then measure and write the initialization."""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch
import yaml

from training.commands.table import card_table
from training.datasets.class_images import ClassImages
from training.datasets.registry import load_split
from training.outer.processes import choose_device, joined
from training.recipe import RecipeError
from training.recipe_reading import read_recipe
from training.run.allocation import keep_freed_memory
from training.run.pretrained import pretrained_start
from training.run.publication import publish_run
from training.run.trainer import BUDGET, CHECKPOINT, Trainer
from training.tasks.augmentation import with_reflections, with_rotations

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
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or cuda:N (default: a GPU if there is one)"
    )
    parser.add_argument(
        "--memory-mb", type=int, default=BUDGET >> 20, help="for the tasks adapted at once (default: %(default)s)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train, and leave ``initialization/`` in the run's folder."""
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = read_recipe(options.recipe, options.set)
    out = options.out or Path("runs") / recipe.name
    started = (out / CHECKPOINT).exists()
    if options.resume and not started:
        raise RecipeError(f"there is nothing to resume in {out}; start without --resume")
    if started and not options.resume:
        raise RecipeError(f"{out} holds a run already; continue it with --resume or choose another --out")
    pretrained = pretrained_start(recipe)
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
    device = choose_device(options.device)
    with joined(device.type) as processes:
        trainer = Trainer(
            recipe,
            episodes_from,
            validation,
            out,
            device=device,
            processes=processes,
            budget=options.memory_mb << 20,
            pretrained=pretrained,
        )
        if options.resume:
            trainer.resume()
        if processes.is_first:
            out.mkdir(parents=True, exist_ok=True)
            described = yaml.safe_dump(recipe.as_dict(), sort_keys=False, allow_unicode=True)
            (out / "recipe.yaml").write_text(described)
            print(
                f"{len(training.classes)} training classes, {len(validation.classes)} validation classes; "
                f"run in {out}, on {processes.size} x {device.type}"
            )
        _run(trainer)
        if processes.is_first:
            _publish(trainer, training, validation)


def _run(trainer: Trainer) -> None:
    try:
        trainer.run()
    except KeyboardInterrupt:
        if trainer.processes.is_first:
            print(f"\nsaved at step {trainer.progress.step}; continue with --resume", file=sys.stderr)
        raise


def _publish(trainer: Trainer, training: ClassImages, validation: ClassImages) -> None:
    best = {name: value.detach() for name, value in trainer.best.items()}
    folder = trainer.out / "initialization"
    initialization = publish_run(
        trainer.recipe, best, trainer.progress, training, validation, folder, trainer.pretrained
    )
    print(card_table(initialization.card))
    print(f"initialization {initialization.name} {initialization.version} in {folder}")
