"""HTTP with one server: what is sent, what comes back, and what goes wrong on the way."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from .errors import Missing, ServiceError, Unreachable, check
from .late_file import LateFile

DEFAULT_SERVER = "http://127.0.0.1:3000"
_TIMEOUT = httpx.Timeout(240.0, connect=5.0)  # longer than the service itself takes to give up


class Connection:
    """Sends requests, which raise ``ServiceError``, or ``Unreachable`` if a retry may help."""

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

    def close(self) -> None:
        """Close it."""
        self._http.close()

    def is_ready(self) -> bool:
        """Whether the server takes requests."""
        try:
            return self._http.get("/readyz", timeout=2.0).status_code == 200
        except httpx.HTTPError:
            return False

    def stream(self, path: str, params: dict[str, str], target: Path) -> None:
        """Write an answer to a file, piece by piece."""
        _check_path(path)
        try:
            with target.open("wb") as file, self._http.stream("GET", path, params=params) as response:
                check(response)
                for chunk in response.iter_bytes():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())  # or else, after a loss of power, less may pass for the whole
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        except OSError as error:  # of a write, which does not name the file
            error.filename = error.filename or str(target)
            raise

    def upload(
        self, path: str, field: str, files: Sequence[tuple[str, Path]], data: dict[str, Any], holds: str = "id"
    ) -> dict[str, Any]:
        """Send files, each under the name by which answers and problems will call it."""
        if not files:
            raise ServiceError("there is no image to send; look whether the folder and the pattern are right")
        parts = [(field, (name, LateFile(file))) for name, file in files]
        return self.answer("POST", path, holds=holds, files=parts, data=data)

    def answer(self, method: str, path: str, holds: str = "id", **options: Any) -> dict[str, Any]:
        """Give the answer, a JSON object; one without the member ``holds`` is not from this service."""
        response = self.ask(method, path, **options)
        with suppress(ValueError):
            answer = response.json()
            if isinstance(answer, dict) and holds in answer:
                return answer
        raise self.another_server(path, response)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request, and give its answer."""
        _check_path(path)
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        check(response)
        return response

    def another_server(self, path: str, response: httpx.Response) -> ServiceError:
        """Make the error for an answer that is not from this service."""
        return ServiceError(
            f"what answers at {self._server}{path} ({response.status_code}) is not this service; "
            f"give the service's address, which is like {DEFAULT_SERVER}"
        )

    def _unreachable(self, error: httpx.HTTPError) -> Unreachable:
        return Unreachable(f"no answer from {self._server} ({error}); is it running? python -m service serve")


def _check_path(path: str) -> None:
    """Raise ``Missing`` for an address with dots as a part, which would be resolved to that of something else."""
    if not {".", ".."}.isdisjoint(path.split("/")):
        raise Missing(f"there is nothing at {path}: no id is '.' or '..', and no part of a label between slashes")
