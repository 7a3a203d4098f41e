"""``python -m service teach``: make a task from a folder per class, on a running server."""

import argparse
from pathlib import Path
from typing import Any

from service.client import DEFAULT_SERVER, Client
from service.commands.estimates import expectation
from service.commands.folders import labelled_files


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("teach", help="create a task from labelled images on a running service")
    parser.add_argument(
        "--support", type=Path, required=True, help="folder of labelled images, with a subfolder for each class"
    )
    parser.add_argument("--name", help="name of the task in lists and on the page")
    parser.add_argument(
        "--model", default="auto", help="name of an initialization, or auto to choose one (default: auto)"
    )
    parser.add_argument(
        "--server", default=DEFAULT_SERVER, help=f"address of the service (default: {DEFAULT_SERVER})"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Make the task, and print its id and expected accuracy."""
    support = labelled_files(options.support)
    with Client(options.server) as client:
        task = client.create_task(support, name=options.name, model=options.model)
    classes = f"{len(support)} images of {len(task['classes'])} classes"
    print(f"{classes}, by {task['model']}: {expectation(task['estimate'])}")
    print(f"task {task['id']}")
