"""Options of commands that measure an initialization on tasks of one kind."""

import argparse
from pathlib import Path

from models.initialization import Initialization
from training.datasets.class_images import ClassImages
from training.datasets.registry import load_split
from training.measures.measured import Protocol


def add_task_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Declare what data tasks are drawn from, and how; ``required`` if the command can do nothing else."""
    parser.add_argument("--dataset", required=required, help="omniglot, mini_imagenet, folder or strokes")
    parser.add_argument("--split", default="validation", choices=["train", "validation", "test"])
    parser.add_argument("--ways", type=int, default=5)
    parser.add_argument("--queries", type=int, default=5, help="query images of a class")
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the episodes")
    parser.add_argument(
        "--within-alphabet", action="store_true", help="draw each task from one alphabet or group"
    )
    parser.add_argument(
        "--same-drawers",
        action="store_true",
        help="of each drawer in a task, take one drawing of each class, as in Lake's one-shot runs (omniglot)",
    )
    parser.add_argument("--data-dir", type=Path, help="where data sets lie (default: METASHOT_DATA)")
    parser.add_argument("--data-seed", type=int, default=0, help="of the split of a folder's classes")
    parser.add_argument("--download", action="store_true", help="fetch the data set where it is not there")


def protocol_of(options: argparse.Namespace, shots: int) -> Protocol:
    """Tell what tasks were asked for, of so many shots.

    Raises:
        ValueError: where there are too few for an interval.
    """
    if options.episodes < 2:
        raise ValueError("--episodes must be at least 2, for an interval")
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


def classes_of(initialization: Initialization, options: argparse.Namespace) -> ClassImages:
    """Read the split that was asked for, as the initialization takes images."""
    return load_split(
        options.dataset,
        options.split,
        data_dir=options.data_dir,
        preprocessing=initialization.preprocessing,
        seed=options.data_seed,
        download=options.download,
    )
