"""``python -m training train RECIPE``: meta-train, then measure and write the initialization."""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from training.commands.outputs import check_folder
from training.commands.run_options import add_run_options, set_up_torch
from training.commands.table import card_table
from training.held_folder import held
from training.outer.precision import told_precision
from training.outer.processes import choose_device, joined
from training.recipe import Recipe, RecipeError
from training.recipe_reading import as_yaml, read_recipe
from training.run.checkpoint import RECIPE
from training.run.measurable import check_measurable
from training.run.pretrained import pretrained_start
from training.run.publication import publish_run
from training.run.run_classes import RunClasses, load_classes
from training.run.trainer import CHECKPOINT, Trainer
from training.whole_file import write_whole


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("train", help="meta-train by a recipe")
    add_run_options(parser)
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/<the recipe's name>)")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run in --out")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train, and write the initialization to ``initialization/`` in the run's folder.

    Raises:
        HeldError: if another process trains in that folder.
    """
    recipe = prepared(options)
    device = choose_device(options.device)
    out = folder_of(options, recipe.name)
    pretrained = pretrained_start(recipe)
    classes = load_classes(
        recipe.data, recipe.build_preprocessing(), data_dir=options.data_dir, download=options.download
    )
    check_measurable(recipe, classes.training, classes.validation)
    with joined(device.type) as processes, ExitStack() as stack:
        trainer = Trainer(
            recipe,
            classes.episodes,
            classes.validation,
            out,
            device=device,
            processes=processes,
            budget=options.memory_mb << 20,
            pretrained=pretrained,
        )
        if processes.is_first:
            stack.enter_context(held(out))
            folder_of(options, recipe.name)  # again: it may have changed until it was held
        if options.resume:
            trainer.resume()
        if processes.is_first:
            write_whole(out / RECIPE, as_yaml(recipe.as_dict()))
            print(
                f"{len(classes.training)} training classes, {len(classes.validation)} validation classes; "
                f"run in {out}, on {processes.size} x {device.type}, in {told_precision(recipe.outer, device)}"
            )
        run_or_tell(trainer)
        if processes.is_first:
            _publish_or_tell(trainer, classes)


def prepared(options: argparse.Namespace) -> Recipe:
    """Read the recipe, and set up torch for a run."""
    set_up_torch(options)
    return read_recipe(options.recipe, options.set)


def folder_of(options: argparse.Namespace, name: str) -> Path:
    """The folder of the run: ``--out``, or one of this name in ``runs``.

    Raises:
        RecipeError: if it holds a run and ``--resume`` is not given, or holds none and it is.
        ValueError: if it cannot be written to.
    """
    out: Path = options.out or Path("runs") / name
    check_folder(out)
    started = (out / CHECKPOINT).exists()
    if options.resume and not started:
        raise RecipeError(f"there is nothing to resume in {out}; start without --resume")
    if started and not options.resume:
        raise RecipeError(f"{out} holds a run already; continue it with --resume or choose another --out")
    return out


def run_or_tell(trainer: Trainer) -> None:
    """Run; if that is interrupted, say how to continue, and pass the KeyboardInterrupt on."""
    try:
        trainer.run()
    except KeyboardInterrupt:
        if trainer.processes.is_first:
            print(f"\nsaved at step {trainer.progress.step}; continue with --resume", file=sys.stderr)
        raise


def _publish_or_tell(trainer: Trainer, classes: RunClasses) -> None:
    """Measure and write; if that is interrupted, say how to make up for it, and pass the KeyboardInterrupt on."""
    try:
        _publish(trainer, classes)
    except KeyboardInterrupt:
        print("\ntrained to the end; --resume measures and writes the initialization", file=sys.stderr)
        raise


def _publish(trainer: Trainer, classes: RunClasses) -> None:
    best = {name: value.detach() for name, value in trainer.best.items()}
    folder = trainer.out / "initialization"
    teacher = trainer.feature_teacher
    try:
        initialization = publish_run(
            trainer.recipe,
            best,
            trainer.progress,
            classes.training,
            classes.validation,
            folder,
            trainer.pretrained,
            teacher.facts if teacher else None,
        )
    except OSError as error:
        then = "see to the disk, then --resume measures and writes it: training is at its end"
        raise ValueError(f"{folder} cannot be written ({error}); {then}") from error
    print(card_table(initialization.card))
    print(f"initialization {initialization.name} {initialization.version} in {folder}")
