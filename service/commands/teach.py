"""``python -m service teach``: make a task of a folder per class, on a running server."""

import argparse
from pathlib import Path
from typing import Any

from service.client import DEFAULT_SERVER, Client
from service.commands.folders import labelled_files
from service.registry import AUTO


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("teach", help="keep a task of labelled images on a running service")
    parser.add_argument("--support", type=Path, required=True, help="labelled images: a folder per class")
    parser.add_argument("--name", help="what the task is called in lists and on the page")
    parser.add_argument("--model", default=AUTO, help="an initialization's name (default: auto)")
    parser.add_argument("--server", default=DEFAULT_SERVER, help=f"default: {DEFAULT_SERVER}")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Make the task, and print its id and how good it should be."""
    support = labelled_files(options.support)
    with Client(options.server) as client:
        task = client.create_task(support, name=options.name, model=options.model)
    estimate = task["estimate"]
    print(
        f"{len(support)} images of {len(task['classes'])} classes, by {task['model']}: "
        f"about {estimate['accuracy']:.0%} of answers should be right "
        f"({estimate['low']:.0%} to {estimate['high']:.0%})"
    )
    print(f"task {task['id']}")
