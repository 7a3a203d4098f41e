"""A small client of the service, for the command line and for scripts: one file, as users may copy it."""

import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar
from urllib.parse import quote

import httpx

DEFAULT_SERVER = "http://127.0.0.1:3000"
_POLL_S = 0.3
_FIRST_POLL_S = 0.02  # of a job, which may be short: three photos of a good camera already fill 16 MiB
_TIMEOUT = httpx.Timeout(240.0, connect=5.0)  # longer than the service itself takes to give up
_PATIENCE_S = 60.0  # how long to retry, in the midst of long work, while a server restarts or is busy
_PASSING = (502, 503)  # 502 is a proxy's, while the service behind it restarts
UNFINISHED = ("queued", "running")  # states of a job
Answer = TypeVar("Answer")


class ServiceError(RuntimeError):
    """The service refused a request, or could not be reached; the message says why."""


class Unreachable(ServiceError):
    """No answer came, or only a 503 (busy): a later try may succeed.

    Attributes:
        retry_after_s: seconds to wait before it, as the server asks; 0 if it said nothing.
    """

    def __init__(self, message: str, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooMuch(ServiceError):
    """The request is larger than the server takes, or takes longer to arrive; neither changes by a retry."""


class Missing(ServiceError):
    """There is no such task or job on the server."""


class Client:
    """Speaks HTTP with one server; requests raise ``ServiceError``, or ``Unreachable`` if a retry may help."""

    def __init__(self, server: str = DEFAULT_SERVER) -> None:
        try:
            url = httpx.URL(server)
        except httpx.InvalidURL as error:
            raise ServiceError(
                f"{server!r} is no address of a server ({error}); it is like {DEFAULT_SERVER}"
            ) from error
        if url.scheme not in ("http", "https") or not url.host:
            raise ServiceError(f"{server!r} is no address of a server; it is like {DEFAULT_SERVER}")
        self._server = str(url.copy_with(userinfo=b""))  # for messages: without a password
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        """Keep the connection open for several requests."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._http.close()

    def is_ready(self) -> bool:
        """Whether the server takes requests."""
        try:
            return self._http.get("/readyz", timeout=2.0).status_code == 200
        except httpx.HTTPError:
            return False

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
        labelled = list(support)
        data: dict[str, Any] = {"labels": [label for label, _ in labelled], "model": model}
        if name is not None:
            data["name"] = name
        if expires_in is not None:
            data["expires_in"] = str(expires_in)
        files = [(f"{label}/{path.name}", path) for label, path in labelled]
        return self._upload("/v1/tasks", "support", files, data)

    def classify(
        self, task_id: str, queries: Sequence[Path], keep_known: float | None = None
    ) -> list[dict[str, Any]]:
        """Classify image files with a task; ``keep_known`` None leaves the share to the service."""
        path, files = f"{_task_path(task_id)}/classify", [(file.name, file) for file in queries]
        answer = self._upload(path, "query", files, _asking(keep_known), holds="predictions")
        predictions: list[dict[str, Any]] = answer["predictions"]
        return predictions

    def task(self, task_id: str, *, patient: bool = False) -> dict[str, Any]:
        """Show a task; ``patient`` retries for up to a minute while the server restarts or is busy."""
        if patient:
            return _patiently(lambda: self.task(task_id))
        return self._answer("GET", _task_path(task_id))

    def keep_task(self, task_id: str, name: str) -> dict[str, Any]:
        """Keep a temporary task for good, under a name."""
        return self._answer("POST", f"{_task_path(task_id)}/keep", json={"name": name})

    def example(self, task_id: str, example_id: str) -> bytes:
        """Give the image of one of a task's examples, as it was uploaded; its id stands in the task."""
        path = _example_path(task_id, example_id)
        response = self._ask("GET", path)
        if response.headers.get("content-type", "").startswith("image/"):
            return response.content
        raise self._another_server(path, response)

    def move_example(self, task_id: str, example_id: str, label: str) -> dict[str, Any]:
        """Move one of a task's examples to another class, or to a new one."""
        return self._answer("POST", _example_path(task_id, example_id), json={"label": label})

    def delete_task(self, task_id: str) -> None:
        """Delete a task."""
        self._ask("DELETE", _task_path(task_id))

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
            return self._upload(f"{_task_path(task_id)}/jobs?id={chosen}", "archive", files, _asking(keep_known))

        return _patiently(start)

    def job(self, job_id: str) -> dict[str, Any]:
        """Show a job's progress."""
        return self._answer("GET", f"/v1/jobs/{job_id}")

    def follow_job(self, job_id: str) -> Iterator[dict[str, Any]]:
        """Give the job every now and then until it is done; a server that restarts meanwhile resumes it.

        Raises:
            ServiceError: if it failed or was cancelled, or if no answer comes for a minute.
        """
        pause = _FIRST_POLL_S
        while True:
            job = _patiently(lambda: self.job(job_id))
            yield job
            if job["status"] == "done":
                return
            if job["status"] not in UNFINISHED:
                raise ServiceError(f"job {job_id} is {job['status']}: {job['error'] or 'by request'}")
            time.sleep(pause)
            pause = min(2 * pause, _POLL_S)

    def end_job(self, job_id: str) -> None:
        """Cancel a job, or delete it if it has ended."""
        self._ask("DELETE", f"/v1/jobs/{job_id}")

    def save_results(self, job_id: str, target: Path, kind: str) -> None:
        """Write a job's results (``jsonl``, ``csv`` or ``parquet``), whole or not at all."""
        part = target.with_name(f".{target.name}.part")
        try:
            _patiently(lambda: self._stream(f"/v1/jobs/{job_id}/results", {"format": kind}, part))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def _stream(self, path: str, params: dict[str, str], target: Path) -> None:
        try:
            with target.open("wb") as file, self._http.stream("GET", path, params=params) as response:
                _check(response)
                for chunk in response.iter_bytes():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())  # or else, after a loss of power, less may pass for the whole
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        except OSError as error:  # of a write, which does not name the file
            error.filename = error.filename or str(target)
            raise

    def _upload(
        self, path: str, field: str, files: Sequence[tuple[str, Path]], data: dict[str, Any], holds: str = "id"
    ) -> dict[str, Any]:
        """Send files, each under the name by which answers and problems will call it."""
        if not files:
            raise ServiceError("there is no image to send; look whether the folder and the pattern are right")
        parts = [(field, (name, _OpenedLate(file))) for name, file in files]
        return self._answer("POST", path, holds=holds, files=parts, data=data)

    def _answer(self, method: str, path: str, holds: str = "id", **options: Any) -> dict[str, Any]:
        """Give the answer, a JSON object; one without the member ``holds`` is not from this service."""
        response = self._ask(method, path, **options)
        with suppress(ValueError):
            answer = response.json()
            if isinstance(answer, dict) and holds in answer:
                return answer
        raise self._another_server(path, response)

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        _check(response)
        return response

    def _another_server(self, path: str, response: httpx.Response) -> ServiceError:
        return ServiceError(
            f"what answers at {self._server}{path} ({response.status_code}) is not this service; "
            f"give the service's address, which is like {DEFAULT_SERVER}"
        )

    def _unreachable(self, error: httpx.HTTPError) -> Unreachable:
        return Unreachable(f"no answer from {self._server} ({error}); is it running? python -m service serve")


class _OpenedLate:
    """A file to send, open only while it is read: the system may not allow a thousand open files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._stream: BinaryIO | None = None

    def tell(self) -> int:
        """Give 0, the position from which httpx measures the length."""
        return 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Rewind, or, with ``SEEK_END``, give the size."""
        if whence == os.SEEK_END:
            return self._size
        self._close()
        return offset

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes; none at the end."""
        if self._stream is None:
            self._stream = self._path.open("rb")
        chunk = self._stream.read(size)
        if not chunk:
            self._close()
        return chunk

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def _task_path(task_id: str) -> str:
    return f"/v1/tasks/{quote(task_id, safe='')}"


def _example_path(task_id: str, example_id: str) -> str:
    return f"{_task_path(task_id)}/examples/{quote(example_id, safe='')}"


def _asking(keep_known: float | None) -> dict[str, str]:
    return {} if keep_known is None else {"keep_known": str(keep_known)}


def _check(response: httpx.Response) -> None:
    if response.is_error:
        response.read()
        try:
            problem = response.json()
            detail = str(problem["detail"])
            if (file := str(problem.get("file", ""))) not in detail:
                detail += f" (file {file})"
        except (ValueError, KeyError, TypeError):
            said = " ".join(response.text.split())[:200] or response.reason_phrase
            detail = (
                f"{said} (from a proxy or another server, not this service; check the address, with any password)"
            )
        message = f"{response.status_code}: {detail}"
        if response.status_code in _PASSING:
            asked = response.headers.get("retry-after", "")
            raise Unreachable(message, int(asked) if asked.isdecimal() else 0)
        if response.status_code == httpx.codes.NOT_FOUND:
            raise Missing(message)
        too_much = (httpx.codes.REQUEST_ENTITY_TOO_LARGE, httpx.codes.REQUEST_TIMEOUT)
        raise (TooMuch if response.status_code in too_much else ServiceError)(message)


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """Retry for up to a minute while the server is unreachable or busy, not before the time that it asks for."""
    begin = time.monotonic()
    while True:
        try:
            return ask()
        except Unreachable as error:
            if time.monotonic() - begin > _PATIENCE_S:
                raise
            pause = max(_POLL_S, min(error.retry_after_s, _PATIENCE_S))
        time.sleep(pause)
