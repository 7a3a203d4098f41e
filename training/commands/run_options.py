"""Options shared by the commands that run a recipe or a plan."""

import argparse
from pathlib import Path

import torch

from training.commands.task_options import add_data_options
from training.run.allocation import keep_freed_memory
from training.run.trainer import BUDGET


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Declare the recipe, its overrides and data, the device and the memory."""
    parser.add_argument("recipe", type=Path, help="a YAML file, for example training/recipes/characters.yaml")
    add_set_option(parser, "override values of the recipe, e.g. outer.steps=500")
    add_data_options(parser)
    add_machine_options(parser)
    parser.add_argument(
        "--memory-mb",
        type=_mebibytes,
        default=BUDGET >> 20,
        help="memory for the tasks adapted at once, in MiB (default: %(default)s)",
    )


def add_set_option(parser: argparse.ArgumentParser, told: str) -> None:
    """Declare ``--set``, with the help text ``told``; it takes several values and may be repeated."""
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help=told)


def add_machine_options(parser: argparse.ArgumentParser) -> None:
    """Declare the number of threads and the device."""
    parser.add_argument("--threads", type=int, help="number of threads for torch (default: as many as cores)")
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or cuda:N (default: a GPU if there is one)"
    )


def set_up_torch(options: argparse.Namespace) -> None:
    """Set torch's number of threads if the options give one, and let the process keep memory that it frees.

    Raises:
        ValueError: for fewer than one thread.
    """
    keep_freed_memory()
    if options.threads is None:
        return
    if options.threads < 1:
        raise ValueError("--threads must be at least 1")
    torch.set_num_threads(options.threads)


def _mebibytes(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
