"""How results leave: many rows at once, and letting go of everything where the caller is gone."""

import asyncio
import errno
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message

from service.results import Format, stream
from tests.service.made_images import drawing
from tests.service.tiny_service import ended, serving

FULL = Path("/dev/full")  # every write to it fails as on a full disk


def rows(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"filename": f"{number}.png", "label": "a", "probability": 1.0, "probabilities": {"a": 1.0}}


def done_job(client: TestClient) -> str:
    """Let a job of one image be done, and give the address of its results."""
    files = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
    task = client.post("/v1/tasks", files=files, data={"labels": ["a", "b"]}).json()["id"]
    job = client.post(f"/v1/tasks/{task}/jobs", files={"query": ("3.png", drawing(3))}).json()["id"]
    assert ended(client, job)["status"] == "done"
    return f"/v1/jobs/{job}/results"


@pytest.mark.parametrize(("kind", "head"), [("jsonl", 0), ("csv", 1)])
def test_many_rows_are_one_chunk(kind: Format, head: int) -> None:
    chunks = list(stream(rows(3000), ["a"], kind))
    assert 1 < len(chunks) < 10
    lines = b"".join(chunks).decode().splitlines()[head:]
    assert [f"{number}.png" in line for number, line in enumerate(lines)] == [True] * 3000
    assert len(b"".join(stream(rows(0), ["a"], kind)).splitlines()) == head


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_the_first_rows_come_before_the_last_ones_are_read(kind: Format) -> None:
    remaining = rows(100_000)
    next(stream(remaining, ["a"], kind))
    assert len(list(remaining)) > 90_000


def test_a_caller_who_goes_in_the_middle_leaves_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    open_temporary = tempfile.TemporaryFile

    def noted() -> Any:
        opened.append(open_temporary())
        return opened[-1]

    async def closed_after_leaving(app: ASGIApp, path: str) -> list[bool]:
        await leave_in_the_middle(app, path)
        return [one.closed for one in opened]  # before the loop ends, which would close them

    with serving(tmp_path) as client:
        results = done_job(client)
        monkeypatch.setattr(tempfile, "TemporaryFile", noted)
        assert asyncio.run(closed_after_leaving(client.app, results)) == [True]


@pytest.mark.parametrize(
    ("error", "status"), [(OSError(errno.ENOSPC, "No space left on device"), 507), (MemoryError(), 503)]
)
def test_what_fails_before_the_first_byte_is_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    """Rather than a 200 whose body breaks off."""

    def failing() -> None:
        raise error

    with serving(tmp_path) as client:
        results = done_job(client)
        monkeypatch.setattr(tempfile, "TemporaryFile", failing)
        answer = client.get(f"{results}?format=parquet")
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert status == 503 or "temporary folder" in answer.json()["detail"]
        assert client.get(f"{results}?format=csv").text.count("\n") == 2


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_a_full_temporary_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(FULL.open, "wb"))
    with pytest.raises(OSError, match="No space left") as caught:
        next(stream(rows(100_000), ["a"], "parquet"))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, tempfile.gettempdir())


async def leave_in_the_middle(app: ASGIApp, path: str) -> None:
    """Ask for Parquet, and go once a part of it has come."""
    gone = asyncio.Event()
    coming: list[Message] = [{"type": "http.disconnect"}, {"type": "http.request"}]

    async def receive() -> Message:
        if len(coming) == 1:
            await gone.wait()
        return coming.pop()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            gone.set()
            await asyncio.Event().wait()  # a line that takes no more

    request = {"type": "http", "method": "GET", "path": path, "query_string": b"format=parquet", "headers": []}
    await app(request | {"asgi": {"spec_version": "2.3"}}, receive, send)
