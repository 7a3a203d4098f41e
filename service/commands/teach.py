"""``python -m service teach``: make a task from a folder per class, on a running server."""

import argparse
from typing import Any

from service.client import Client
from service.commands.estimates import expectation
from service.commands.folders import labelled_files
from service.commands.options import add_model, add_server, add_support


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("teach", help="create a task from labelled images on a running service")
    add_support(parser)
    parser.add_argument("--name", help="name of the task in lists and on the page")
    add_model(parser)
    add_server(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Make the task, and print its id and expected accuracy."""
    support = labelled_files(options.support)
    with Client(options.server) as client:
        task = client.create_task(support, name=options.name, model=options.model)
    classes = f"{len(support)} images of {len(task['classes'])} classes"
    print(f"{classes}, by {task['model']}: {expectation(task['estimate'])}")
    print(f"task {task['id']}")
