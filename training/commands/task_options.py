"""Options of the commands that measure an initialization on tasks of one kind."""

import argparse
import sys
from pathlib import Path

from models.initialization import Initialization
from training.datasets.class_images import ClassImages
from training.datasets.registry import load_split
from training.measures.measured import Protocol
from training.run.seen_classes import seen_among, split_seed
from training.seeds import MOST_SEED


def add_task_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Declare the data that tasks are drawn from, and their form; ``required`` makes ``--dataset`` mandatory."""
    parser.add_argument(
        "--dataset", required=required, help="data set: omniglot, mini_imagenet, folder or strokes"
    )
    parser.add_argument(
        "--split",
        default="validation",
        choices=["train", "validation", "test"],
        help="the classes to use (default: %(default)s)",
    )
    parser.add_argument("--ways", type=int, default=5, help="classes in each task (default: %(default)s)")
    parser.add_argument(
        "--queries", type=int, default=5, help="query images of each class (default: %(default)s)"
    )
    parser.add_argument("--episodes", type=int, default=1000, help="number of tasks (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the tasks (default: %(default)s)")
    parser.add_argument(
        "--within-alphabet", action="store_true", help="draw each task's classes from one alphabet or group"
    )
    parser.add_argument(
        "--same-drawers",
        action="store_true",
        help="from each drawer in a task, take one drawing of each class, as in Lake's one-shot runs (omniglot)",
    )
    add_data_options(parser)
    add_data_seed(parser)


def add_data_options(parser: argparse.ArgumentParser, *, download: bool = True) -> None:
    """Declare where data sets are and, if ``download``, that a missing one may be fetched."""
    parser.add_argument("--data-dir", type=Path, help="folder of the data sets (default: METASHOT_DATA)")
    if download:
        parser.add_argument(
            "--download", action="store_true", help="download the data set if it is missing (omniglot only)"
        )


def add_data_seed(parser: argparse.ArgumentParser) -> None:
    """Declare the seed by which a data set is split."""
    parser.add_argument(
        "--data-seed",
        type=int,
        help="seed of a folder's split, or of the strokes (default: the one used in training)",
    )


def protocol_of(options: argparse.Namespace, shots: int) -> Protocol:
    """Return the protocol of the tasks that options ask for, with ``shots`` support examples of each class.

    Raises:
        ValueError: if there are too few tasks for an interval, or an option does not fit.
    """
    if options.episodes < 2:
        raise ValueError("--episodes must be at least 2, for an interval")
    check_least(2, ways=options.ways)
    check_least(1, shots=shots, queries=options.queries)
    check_seeds(seed=options.seed, data_seed=options.data_seed)
    if options.same_drawers and not (options.within_alphabet and options.dataset == "omniglot"):
        raise ValueError(
            "--same-drawers needs --dataset omniglot and --within-alphabet: an alphabet's n-th drawer drew the "
            "n-th drawing of each of its characters"
        )
    return Protocol(
        options.ways,
        shots,
        options.queries,
        options.episodes,
        options.seed,
        options.within_alphabet,
        same_drawers=options.same_drawers,
    )


def check_least(least: int, **numbers: int) -> None:
    """Check that options, given by their names, are no less than they must be.

    Raises:
        ValueError: naming the first that is.
    """
    for name, number in numbers.items():
        if number < least:
            raise ValueError(f"--{name} must be at least {least}")


def check_seeds(**seeds: int | None) -> None:
    """Check that options, given by their names, are valid seeds; None counts as valid.

    Raises:
        ValueError: naming the first that is not.
    """
    for name, seed in seeds.items():
        if seed is not None and not 0 <= seed <= MOST_SEED:
            raise ValueError(f"--{name.replace('_', '-')} must be 0 to {MOST_SEED}, not {seed}")


def classes_of(
    initialization: Initialization, options: argparse.Namespace, *, split_as: Initialization | None = None
) -> ClassImages:
    """Read the split that options ask for, preprocessed for an initialization.

    Args:
        initialization: the one to measure; a warning is printed if it may have seen the classes.
        options: of the command.
        split_as: the initialization whose training split decides the seed, unless an option gives one; None for
            the one to measure.

    Raises:
        DataError: if data are missing; the message says what to put where.
    """
    seed = options.data_seed
    if seed is None:
        seed = split_seed([split_as or initialization], options.dataset)
    classes = load_split(
        options.dataset,
        options.split,
        data_dir=options.data_dir,
        preprocessing=initialization.preprocessing,
        seed=seed,
        download=options.download,
    )
    warn_of_seen(initialization, options.dataset, options.split, classes)
    return classes


def warn_of_seen(initialization: Initialization, dataset: str, split: str, classes: ClassImages) -> None:
    """Warn if classes that are measured as unseen have the names of classes that were trained on."""
    seen = [] if split == "train" else seen_among(initialization.card, dataset, classes)
    if seen:
        print(
            f"warning: {initialization.name} {initialization.version} was trained on classes named like "
            f"{len(seen)} of these {len(classes)} {split} classes, for example {seen[0]!r}: where they are the "
            "same, this measures what it has seen",
            file=sys.stderr,
        )
