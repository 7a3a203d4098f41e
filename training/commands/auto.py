"""``python -m training auto INIT INIT``: which initialization ``auto`` chooses for tasks of a data set."""

import argparse
import json
from pathlib import Path
from typing import Any

from training.commands.outputs import check_outputs, write_output
from training.commands.task_options import (
    add_data_options,
    add_data_seed,
    check_least,
    check_seeds,
    warn_of_seen,
)
from training.datasets.registry import load_split
from training.measures.choices import called, measure_choices
from training.measures.image_looks import LOOKS, whole_images
from training.measures.measured import Protocol
from training.run.named import find
from training.run.seen_classes import split_seed


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("auto", help="measure how often auto chooses each of several initializations")
    parser.add_argument("initializations", nargs="+", help="folders, or names of shipped or published ones")
    # Without strokes: they exist only as a learner of drawings takes them, not as whole images in colour.
    parser.add_argument("--dataset", required=True, choices=["omniglot", "mini_imagenet", "folder"])
    parser.add_argument(
        "--split",
        default="validation",
        choices=["train", "validation", "test"],
        help="the classes to use (default: %(default)s)",
    )
    parser.add_argument(
        "--side", type=int, default=84, help="side of the images in pixels (default: %(default)s)"
    )
    parser.add_argument("--ways", type=int, default=5, help="classes in each task (default: %(default)s)")
    parser.add_argument(
        "--shots", type=int, nargs="+", default=[1, 5], help="support examples of each class (default: 1 5)"
    )
    parser.add_argument(
        "--looks", nargs="+", default=["as-is"], choices=LOOKS, help="how images are shown (default: as-is)"
    )
    parser.add_argument("--episodes", type=int, default=200, help="number of tasks (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the tasks (default: %(default)s)")
    add_data_options(parser, download=False)
    add_data_seed(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this JSON file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Choose for each task, print how often each initialization was chosen, and write JSON if asked to."""
    check_outputs(options.json)
    check_seeds(seed=options.seed, data_seed=options.data_seed)
    check_least(1, episodes=options.episodes, shots=min(options.shots))
    check_least(2, ways=options.ways)
    candidates = called([find(name) for name in options.initializations])
    seed = options.data_seed
    if seed is None:
        seed = split_seed(list(candidates.values()), options.dataset)
    classes = load_split(
        options.dataset,
        options.split,
        preprocessing=whole_images(options.side),
        data_dir=options.data_dir,
        seed=seed,
    )
    for one in candidates.values():
        warn_of_seen(one, options.dataset, options.split, classes)
    rows = []
    for look in options.looks:
        for shots in options.shots:
            protocol = Protocol(options.ways, shots, 1, options.episodes, options.seed)
            shares = measure_choices(candidates, classes, protocol, look)
            rows.append({"look": look, "ways": options.ways, "shots": shots, "shares": shares})
            told = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
            print(f"{options.dataset} {options.split} {look}, {protocol.describe()}: {told}")
    if options.json:
        facts = {"dataset": options.dataset, "split": options.split, "episodes": options.episodes}
        write_output(options.json, json.dumps({**facts, "seed": options.seed, "rows": rows}, indent=2) + "\n")
