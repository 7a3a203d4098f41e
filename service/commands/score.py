"""``python -m service score``: score any number of images by a running server, into a file."""

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from service.client import Client, ServiceError, TooMuch
from service.commands.folders import FolderError, images_of
from service.commands.left_jobs import JobNotes, left
from service.commands.options import add_keep_known, add_server
from service.commands.outputs import check_answers, check_output, written_whole
from service.commands.parts import PACKED, Part, in_parts
from service.results import Format, Row, stream

FORMATS: dict[str, Format] = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet"}
_LONG_S = 2.0  # a wait that users wonder about


class _TaskChanged(ServiceError):
    """The task is no longer the one that gave the answers so far, which no later run can use."""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "score",
        help="classify many images with a task of a running service",
        description="Classify many images with a task of a running service. They are sent in parts; after an "
        "interruption, the same command continues with those that have no answer yet.",
    )
    parser.add_argument("--task", required=True, help="id of the task (see teach)")
    parser.add_argument(
        "--input", type=Path, required=True, help="folder of images, zip archive of images, or one image"
    )
    parser.add_argument("--output", type=Path, required=True, help="file to write: *.jsonl, *.csv or *.parquet")
    add_server(parser)
    add_keep_known(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Score the images in parts, and write the output whole or not at all."""
    output: Path = options.output
    kind = FORMATS.get(output.suffix.lower())
    if kind is None:
        raise FolderError(f"{output} ends in none of {', '.join(FORMATS)}")
    check_output(output)
    parts = _parts(options.input)
    with Client(options.server) as client, _kept(output.with_name(f".{output.name}.parts")) as folder:
        task = client.task(options.task)
        of = options.task, *_state(task), options.keep_known
        answers = [folder / f"{part.fingerprint(*of)}.jsonl" for part in parts]
        notes = JobNotes(client, folder)
        notes.end_others(awaited=(path for path in answers if not path.exists()))
        images = sum(part.images or 0 for part in parts) or None
        with _dropped_after(_TaskChanged, answers), tqdm(total=images, unit="image", disable=None) as bar:
            for part, target in zip(parts, answers, strict=True):
                if target.exists():
                    bar.update(part.images or 0)
                else:
                    _score(client, task, part, target, options.keep_known, notes, bar)
        with _dropped_after(FolderError, answers):  # errors alone are no answers
            check_answers(_rows(parts, answers))
        rows, errors = _write(_rows(parts, answers), [one["label"] for one in task["classes"]], output, kind)
        notes.end_others()  # whose deletion failed before
        shutil.rmtree(folder)
    scored = "1 image" if rows == 1 else f"{rows} images"
    print(f"{scored} scored, {errors} of them unreadable: {output}")


def _state(task: dict[str, Any]) -> tuple[Any, Any]:
    """What of a task tells which answers it gives; a service may restart with other initializations."""
    return task["version"], task["model_version"]


def _parts(given: Path) -> Sequence[Part]:
    if given.is_file() and zipfile.is_zipfile(given):
        return [Part(given.parent, (given,), packed=True)]
    if given.is_file() and given.suffix.lower() == ".zip":
        raise FolderError(f"{given} is no readable zip archive; pack it again")
    return list(in_parts(given if given.is_dir() else given.parent, images_of(given)))


@contextlib.contextmanager
def _kept(folder: Path) -> Iterator[Path]:
    """Give a folder for the answers so far, which stays if the work fails or is stopped after some."""
    folder.mkdir(exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        _hold(held, folder)
        try:
            yield folder
        except BaseException as error:
            _tell_left(folder, error)
            raise
    finally:
        os.close(held)


def _hold(descriptor: int, folder: Path) -> None:
    """Lock a folder of answers; the system frees the lock when this process ends, however it ends."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FolderError(
            f"{folder} is another command's that writes the same output; wait for its end, or name another output"
        ) from None


def _tell_left(folder: Path, error: BaseException) -> None:
    """Tell on stderr what an error leaves, here and on the server; remove the folder if that is nothing."""
    if isinstance(error, OSError) and not folder.is_dir():
        remedy = "put it back or make the output's folder again, then give the same command again"
        raise FolderError(f"{folder}, which held the answers so far, is gone; {remedy}") from error
    answered, jobs = any(folder.glob("*.jsonl")), left(folder)
    if not answered and not jobs:
        shutil.rmtree(folder, ignore_errors=True)
    for job_id in jobs:
        told = f"job {job_id} may still be on the server; the same command takes it over or deletes it"
        print(told, file=sys.stderr)
    if answered and not isinstance(error, _TaskChanged):
        print("answers so far are kept; the same command goes on", file=sys.stderr)


def _score(
    client: Client,
    task: dict[str, Any],
    part: Part,
    target: Path,
    keep_known: float | None,
    notes: JobNotes,
    bar: Any,
) -> None:
    """Score one part as a job of its own, and delete the job from the server at the end."""
    before = bar.n
    try:
        job_id = _started(client, task["id"], part, target, keep_known, notes)
        if job_id is None:
            bar.update(1)
            return
        notes.begun(target, job_id)
        begin = time.monotonic()
        for job in client.follow_job(job_id):
            if bar.total is None:
                bar.total = job["total"]
            bar.n = before + job["done"]
            waits = job["status"] == "queued" and time.monotonic() - begin >= _LONG_S
            bar.set_postfix_str("waiting for other jobs" if waits else "")  # and shows the bar anew
        # The job uses the task as it was when the job began.
        if _state(client.task(task["id"], patient=True)) != _state(task):
            raise _TaskChanged(
                f"task {task['id']}, or the initialization behind it, has been changed meanwhile: run the same "
                "command again, which asks the changed task about all images"
            )
        client.save_results(job_id, target, "jsonl")
    finally:
        notes.end(target)


def _started(
    client: Client, task_id: str, part: Part, target: Path, keep_known: float | None, notes: JobNotes
) -> str | None:
    """Start a part's job, unless it is there; None if its only image is too large, which is then its row."""
    job_id = notes.job_for(target)
    try:
        # Packed beside the answers, where the next run removes what a killed one left.
        archive = part.archive(target.parent)
        with notes.sending(target):
            job = client.start_job(task_id, archive, keep_known=keep_known, job_id=job_id)
    except TooMuch as error:
        if not part.oversized:
            raise
        _tell_oversized(part, error, target)
        return None
    finally:
        (target.parent / PACKED).unlink(missing_ok=True)
    return str(job["id"])


def _tell_oversized(part: Part, error: TooMuch, target: Path) -> None:
    """Write the row of a part's only image, which the service does not take."""
    (name,) = part.shown
    row = {"filename": name, "error": f"{name} is too large to be sent ({error})"}
    with written_whole(target) as file:
        file.writelines(stream([row], [], "jsonl"))


@contextlib.contextmanager
def _dropped_after(error: type[Exception], answers: Sequence[Path]) -> Iterator[None]:
    """Delete the answers after an error that makes them useless, so that another try asks again."""
    try:
        yield
    except error:
        for path in answers:
            path.unlink(missing_ok=True)
        raise


def _rows(parts: Sequence[Part], answers: Sequence[Path]) -> Iterator[Row]:
    """Give all rows, with the files' names as they are on disk."""
    for part, path in zip(parts, answers, strict=True):
        shown = part.shown
        with path.open(encoding="utf-8") as file:
            for row in map(json.loads, file):
                yield {**row, "filename": shown.get(row["filename"], row["filename"])}


def _write(rows: Iterator[Row], labels: Sequence[str], output: Path, kind: Format) -> tuple[int, int]:
    """Write rows into the output; give how many there are, and how many of them are errors."""
    images = errors = 0

    def counted() -> Iterator[Row]:
        nonlocal images, errors
        for row in rows:
            images, errors = images + 1, errors + ("error" in row)
            yield row

    with written_whole(output) as file:
        file.writelines(stream(counted(), labels, kind))
    return images, errors
