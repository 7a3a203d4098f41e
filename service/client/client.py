"""The service's routes as methods."""

import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from .connection import DEFAULT_SERVER, Connection
from .errors import Missing, ServiceError
from .patience import PAUSE_S, patiently

_FIRST_POLL_S = 0.02  # of a job, which may be short: three photos of a good camera already fill 16 MiB
UNFINISHED = ("queued", "running")  # states of a job


class Client:
    """Asks one server; requests raise ``ServiceError``, or ``Unreachable`` if a retry may help."""

    def __init__(self, server: str = DEFAULT_SERVER) -> None:
        self.connection = Connection(server)

    def __enter__(self) -> Self:
        """Keep the connection open for several requests."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.connection.close()

    def is_ready(self) -> bool:
        """Whether the server takes requests."""
        return self.connection.is_ready()

    def create_task(
        self,
        support: Iterable[tuple[str, Path]],
        name: str | None = None,
        model: str = "auto",
        expires_in: int | None = None,
    ) -> dict[str, Any]:
        """Make a task from pairs of label and image file; answers name the files LABEL/NAME, as in an archive.

        Given ``expires_in``, the service deletes it once nobody has used it for so many seconds.
        """
        files, labels = _named(support)
        data: dict[str, Any] = {"labels": labels, "model": model}
        if name is not None:
            data["name"] = name
        if expires_in is not None:
            data["expires_in"] = str(expires_in)
        return self.connection.upload("/v1/tasks", "support", files, data)

    def classify(
        self, task_id: str, queries: Sequence[Path], keep_known: float | None = None
    ) -> list[dict[str, Any]]:
        """Classify image files with a task; ``keep_known`` None leaves the share to the service."""
        path, files = f"{_task_path(task_id)}/classify", [(file.name, file) for file in queries]
        answer = self.connection.upload(path, "query", files, _asking(keep_known), holds="predictions")
        predictions: list[dict[str, Any]] = answer["predictions"]
        return predictions

    def task(self, task_id: str, *, patient: bool = False) -> dict[str, Any]:
        """Show a task; ``patient`` retries for up to a minute while the server restarts or is busy."""
        if patient:
            return patiently(lambda: self.task(task_id))
        return self.connection.answer("GET", _task_path(task_id))

    def keep_task(self, task_id: str, name: str) -> dict[str, Any]:
        """Keep a temporary task for good, under a name."""
        return self.connection.answer("POST", f"{_task_path(task_id)}/keep", json={"name": name})

    def add_examples(self, task_id: str, support: Iterable[tuple[str, Path]]) -> dict[str, Any]:
        """Add pairs of label and image file to a task, of its classes or of new ones; see ``create_task``."""
        files, labels = _named(support)
        return self.connection.upload(f"{_task_path(task_id)}/examples", "support", files, {"labels": labels})

    def example(self, task_id: str, example_id: str) -> bytes:
        """Give the image of one of a task's examples, as it was uploaded; its id stands in the task."""
        path = _example_path(task_id, example_id)
        response = self.connection.ask("GET", path)
        if response.headers.get("content-type", "").startswith("image/"):
            return response.content
        raise self.connection.another_server(path, response)

    def move_example(self, task_id: str, example_id: str, label: str) -> dict[str, Any]:
        """Move one of a task's examples to another class, or to a new one."""
        return self.connection.answer("POST", _example_path(task_id, example_id), json={"label": label})

    def left_out(self, task_id: str) -> list[dict[str, Any]]:
        """Give a task's examples as the others classify them, those first whose labels are least probable."""
        answer = self.connection.answer("GET", f"{_task_path(task_id)}/left-out", holds="items")
        items: list[dict[str, Any]] = answer["items"]
        return items

    def delete_example(self, task_id: str, example_id: str) -> dict[str, Any]:
        """Delete one of a task's examples; two classes must remain."""
        return self.connection.answer("DELETE", _example_path(task_id, example_id))

    def delete_class(self, task_id: str, label: str) -> dict[str, Any]:
        """Delete one of a task's classes, with its examples; two must remain."""
        return self.connection.answer("DELETE", f"{_task_path(task_id)}/classes/{quote(label)}")

    def delete_task(self, task_id: str) -> None:
        """Delete a task."""
        self.connection.ask("DELETE", _task_path(task_id))

    def start_job(
        self, task_id: str, archive: Path, keep_known: float | None = None, job_id: str | None = None
    ) -> dict[str, Any]:
        """Hand over a zip of images to be scored; ``keep_known`` None leaves the share to the service.

        Its id is ``job_id`` (32 random hexadecimal digits) or a new one; a job of that id is not begun again.
        """
        chosen, files = job_id or uuid.uuid4().hex, [(archive.name, archive)]

        def start() -> dict[str, Any]:
            with suppress(Missing):  # or else an earlier try has begun it, though its answer was lost
                if (there := self.job(chosen)).get("task_id") == task_id:
                    return there
            return self.connection.upload(
                f"{_task_path(task_id)}/jobs?id={chosen}", "archive", files, _asking(keep_known)
            )

        return patiently(start)

    def job(self, job_id: str) -> dict[str, Any]:
        """Show a job's progress."""
        return self.connection.answer("GET", f"/v1/jobs/{job_id}")

    def follow_job(self, job_id: str) -> Iterator[dict[str, Any]]:
        """Give the job every now and then until it is done; a server that restarts meanwhile resumes it.

        Raises:
            ServiceError: if it failed or was cancelled, or if no answer comes for a minute.
        """
        pause = _FIRST_POLL_S
        while True:
            job = patiently(lambda: self.job(job_id))
            yield job
            if job["status"] == "done":
                return
            if job["status"] not in UNFINISHED:
                raise ServiceError(f"job {job_id} is {job['status']}: {job['error'] or 'by request'}")
            time.sleep(pause)
            pause = min(2 * pause, PAUSE_S)

    def end_job(self, job_id: str) -> None:
        """Cancel a job, or delete it if it has ended."""
        self.connection.ask("DELETE", f"/v1/jobs/{job_id}")

    def save_results(self, job_id: str, target: Path, kind: str) -> None:
        """Write a job's results (``jsonl``, ``csv`` or ``parquet``), whole or not at all."""
        part = target.with_name(f".{target.name}.part")
        try:
            patiently(lambda: self.connection.stream(f"/v1/jobs/{job_id}/results", {"format": kind}, part))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _named(support: Iterable[tuple[str, Path]]) -> tuple[list[tuple[str, Path]], list[str]]:
    """Give files under the names that answers call them by, and their labels."""
    labelled = list(support)
    return [(f"{label}/{path.name}", path) for label, path in labelled], [label for label, _ in labelled]


def _task_path(task_id: str) -> str:
    return f"/v1/tasks/{quote(task_id, safe='')}"


def _example_path(task_id: str, example_id: str) -> str:
    return f"{_task_path(task_id)}/examples/{quote(example_id, safe='')}"


def _asking(keep_known: float | None) -> dict[str, str]:
    return {} if keep_known is None else {"keep_known": str(keep_known)}
