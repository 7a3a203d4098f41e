"""A client of the service's HTTP routes."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

DEFAULT_SERVER = "http://127.0.0.1:3000"
_ATTEMPTS = 5
_POLL_S = (0.1, 1.0)  # the first and the longest pause between two looks at a job
Answer = dict[str, Any]


class ClientError(Exception):
    """The service refused or could not be reached; the message says why, in its words."""


class Client:
    """Talks to one service. Where it is busy, calls wait as long as it asks for and try again.

    Args:
        server: address, such as ``http://127.0.0.1:3000``.
        timeout_s: seconds without a byte after which a call is given up.
    """

    def __init__(self, server: str = DEFAULT_SERVER, *, timeout_s: float = 120.0) -> None:
        self._http = httpx.Client(base_url=server, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def create_task(
        self, support: Sequence[tuple[str, Path]], *, name: str | None = None, model: str | None = None
    ) -> Answer:
        """Keep a classifier made from labelled images: pairs of label and file."""
        fields: dict[str, Any] = {"labels": [label for label, _ in support]}
        fields |= {key: value for key, value in (("name", name), ("model", model)) if value is not None}
        return self._json("POST", "/v1/tasks", data=fields, files=[("support", path) for _, path in support])

    def task(self, task_id: str) -> Answer:
        """Show a kept classifier."""
        return self._json("GET", f"/v1/tasks/{task_id}")

    def delete_task(self, task_id: str) -> None:
        """Delete a kept classifier."""
        self._call("DELETE", f"/v1/tasks/{task_id}")

    def classify(self, task_id: str, queries: Sequence[Path]) -> list[Answer]:
        """Classify images with a kept classifier; one prediction for each, in their order."""
        files = [("query", path) for path in queries]
        answer = self._json("POST", f"/v1/tasks/{task_id}/classify", files=files)
        return list(answer["predictions"])

    def start_job(self, task_id: str, archive: Path) -> Answer:
        """Have a zip of images scored in the background."""
        return self._json("POST", f"/v1/tasks/{task_id}/jobs", files=[("archive", archive)])

    def follow_job(self, job_id: str) -> Iterator[Answer]:
        """Give the job's state again and again, the last time when it has ended."""
        pause, longest = _POLL_S
        while True:
            job = self._json("GET", f"/v1/jobs/{job_id}")
            yield job
            if job["status"] not in ("queued", "running"):
                return
            time.sleep(pause)
            pause = min(1.5 * pause, longest)

    def end_job(self, job_id: str) -> None:
        """Cancel a job that is not finished, delete one that is."""
        self._call("DELETE", f"/v1/jobs/{job_id}")

    def save_results(self, job_id: str, output: Path, kind: str) -> None:
        """Write a job's results (``jsonl``, ``csv`` or ``parquet``) to a file, whole or not at all."""
        partial = output.with_name(f".{output.name}.partial")
        try:
            with self._http.stream("GET", f"/v1/jobs/{job_id}/results", params={"format": kind}) as response:
                if response.is_error:
                    response.read()
                    raise _error(response)
                with partial.open("wb") as file:
                    for chunk in response.iter_bytes():
                        file.write(chunk)
            partial.replace(output)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        finally:
            partial.unlink(missing_ok=True)

    def _json(self, method: str, path: str, **parts: Any) -> Answer:
        answer: Answer = self._call(method, path, **parts).json()
        return answer

    def _call(
        self,
        method: str,
        path: str,
        *,
        data: Mapping[str, Any] | None = None,
        files: Sequence[tuple[str, Path]] = (),
    ) -> httpx.Response:
        for attempt in range(1, _ATTEMPTS + 1):
            with ExitStack() as opened:
                uploads = [(field, (file.name, opened.enter_context(file.open("rb")))) for field, file in files]
                try:
                    response = self._http.request(method, path, data=data, files=uploads or None)
                except httpx.TransportError as error:
                    raise self._unreachable(error) from error
            wait = response.headers.get("Retry-After", "")
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE or not wait.isdecimal():
                break
            if attempt < _ATTEMPTS:
                time.sleep(int(wait))
        if response.is_error:
            raise _error(response)
        return response

    def _unreachable(self, error: httpx.TransportError) -> ClientError:
        reason = str(error) or type(error).__name__
        return ClientError(f"no answer from {self._http.base_url} ({reason}); is the service running? `make run`")


def _error(response: httpx.Response) -> ClientError:
    try:
        problem = response.json()
        return ClientError(f"{problem['title']}: {problem['detail']}")
    except (ValueError, KeyError, TypeError):
        return ClientError(f"the service answered {response.status_code} {response.reason_phrase}")
