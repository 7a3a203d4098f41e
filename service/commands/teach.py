"""``python -m service teach``: make a task from a folder per class, on a running server."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from tqdm import tqdm

from service.client import Client, ServiceError
from service.commands.doubts import tell_doubts
from service.commands.estimates import expectation
from service.commands.folders import labelled_files
from service.commands.options import add_model, add_server, add_support
from service.commands.parts import Labelled, labelled_parts
from service.uploads.labels import one_line

_UNFINISHED_S = 3600  # after which the service deletes a task that was never completed
_NAME = 100  # characters of the folder's name at most


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("teach", help="create a task from labelled images on a running service")
    add_support(parser)
    parser.add_argument("--name", help="name of the task in lists and on the page (default: the folder's)")
    add_model(parser)
    add_server(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Make the task, print its id and expected accuracy, and name examples whose labels are doubtful."""
    support = labelled_files(options.support)
    name = options.name or one_line(options.support.resolve().name)[:_NAME].strip() or None
    with Client(options.server) as client:
        task = _taught(client, support, name, options.model)
        classes = f"{len(support)} images of {len(task['classes'])} classes"
        print(f"{classes}, by {task['model']}: {expectation(task['estimate'])}")
        print(f"task {task['id']}", flush=True)
        with suppress(ServiceError):  # a hint, which the task does not need
            found = client.left_out(task["id"])
            tell_doubts([(one["filename"], one["label"], one["resembles"]) for one in found if one["doubtful"]])


def _taught(client: Client, support: Sequence[Labelled], name: str | None, model: str) -> dict[str, Any]:
    """Make a task by one request, or of many large images by several: temporary, until the last has come."""
    first, *others = labelled_parts(support)
    if not others:
        return client.create_task(first, name=name, model=model)
    with tqdm(total=len(support), unit="image", disable=None) as bar:
        task = client.create_task(first, name=name, model=model, expires_in=_UNFINISHED_S)
        with _deleted_unless_complete(client, task["id"]):
            bar.update(len(first))
            for part in others:
                client.add_examples(task["id"], part)
                bar.update(len(part))
            return client.keep_task(task["id"], name or task["id"])


@contextmanager
def _deleted_unless_complete(client: Client, task_id: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(ServiceError):  # or else it expires
            client.delete_task(task_id)
        raise
