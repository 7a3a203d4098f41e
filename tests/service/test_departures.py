"""Callers who leave before they are answered: their work ends, and their place in the queue is free."""

import asyncio
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Request
from PIL import Image
from starlette.types import Message

from models.images.preprocessing import Preprocessing
from service.problems import Problem
from service.routes import departures
from service.routes.departures import while_present
from tests.service.made_images import drawing, encoded
from tests.service.server_process import PATIENCE
from tests.service.tiny_service import at_an_address

LEFT: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]


def request_of(messages: "list[Message | Exception]") -> Request:
    coming = iter(messages)

    async def receive() -> Message:
        for message in coming:
            if isinstance(message, Exception):
                raise message
            return message
        await asyncio.Event().wait()
        raise AssertionError

    return Request({"type": "http", "method": "DELETE", "headers": []}, receive)


async def endless(ended: list[str]) -> None:
    """Work until cancelled, and tell it."""
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("cancelled")


def test_work_for_a_caller_who_left_is_cancelled() -> None:
    ended: list[str] = []

    async def scene() -> None:
        with pytest.raises(Problem, match="went away"):
            await while_present(request_of([*LEFT]), endless(ended))
        await asyncio.sleep(0)
        assert ended == ["cancelled"]

    asyncio.run(scene())


@pytest.mark.parametrize("messages", [LEFT[:1], [Problem(408, "the body did not arrive")]])
def test_work_for_a_caller_who_stays_is_done(messages: "list[Message | Exception]") -> None:
    async def work(succeeds: bool) -> str:
        await asyncio.sleep(2 * departures._SHORT_S)
        if not succeeds:
            raise Problem(409, "no")
        return "done"

    assert asyncio.run(while_present(request_of(messages), work(succeeds=True))) == "done"
    with pytest.raises(Problem, match="no"):
        asyncio.run(while_present(request_of(messages), work(succeeds=False)))


def test_short_work_is_not_watched() -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    unread: list[Message | Exception] = [AssertionError("nobody shall ask")]
    assert asyncio.run(while_present(request_of(unread), work())) == "done"


def test_a_stop_of_the_server_cancels_the_work_as_always() -> None:
    ended: list[str] = []

    async def scene() -> None:
        answering = asyncio.create_task(while_present(request_of(LEFT[:1]), endless(ended)))
        await asyncio.sleep(2 * departures._SHORT_S)
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
        assert ended == ["cancelled"]
        assert asyncio.all_tasks() == {asyncio.current_task()}  # nobody watches any more

    asyncio.run(scene())


def test_a_time_limit_of_the_work_is_no_departure() -> None:
    async def work() -> None:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        asyncio.run(while_present(request_of(LEFT[:1]), work()))


SUPPORT = [("support", (f"{label}.png", drawing(seed))) for seed, label in enumerate("ab")]
QUERY = ("query", ("q.png", drawing(3)))
# Two, as a single small image may be answered on the event loop's own thread.
ENDLESS = [("query", ("endless.png", encoded(Image.new("L", (33, 33), 255)))), QUERY]
LABELS = {"labels": ["a", "b"]}


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let an image 33 pixels wide keep its thread until the context ends; tell when it has begun."""
    begun, release = threading.Event(), threading.Event()
    many = Preprocessing.many

    def holding(self: Preprocessing, images: Iterable[Image.Image]) -> Any:
        decoded = list(images)
        if any(image.width == 33 for image in decoded):
            begun.set()
            release.wait()
        return many(self, decoded)

    monkeypatch.setattr(Preprocessing, "many", holding)
    try:
        yield begun
    finally:
        release.set()


def waiting(client: httpx.Client) -> int:
    found = re.search(r"^metashot_queue_depth (\d+)", client.get("/metrics").text, re.MULTILINE)
    assert found is not None
    return int(found[1])


def until_waiting(client: httpx.Client, callers: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while waiting(client) != callers:
        assert time.monotonic() < deadline, f"{waiting(client)} wait, not {callers}"
        time.sleep(0.02)


def sent(client: httpx.Client, path: str, **body: Any) -> socket.socket:
    """Send a request whole, over a connection of its own, and do not wait for the answer."""
    request = client.build_request("POST", path, **body)
    head = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items()), "", ""]
    connection = socket.create_connection((request.url.host, request.url.port or 80))
    connection.sendall("\r\n".join(head).encode() + request.read())
    return connection


@pytest.mark.parametrize("route", ["/v1/classify", "/v1/tasks/{}/classify", "/v1/tasks"])
def test_who_leaves_gives_up_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: str) -> None:
    with (
        at_an_address(tmp_path, compute_threads=1, queue_length=2) as address,
        httpx.Client(base_url=address, timeout=PATIENCE) as client,
        held(monkeypatch) as begun,
    ):
        task = client.post("/v1/tasks", files=SUPPORT, data=LABELS).json()["id"]
        before = client.get("/v1/tasks").json()
        path = route.format(task)
        body = {"files": [*SUPPORT, QUERY], "data": LABELS}
        if route == "/v1/tasks":
            body = {"files": SUPPORT, "data": LABELS}
        elif path != route:
            body = {"files": [QUERY]}
        with sent(client, f"/v1/tasks/{task}/classify", files=ENDLESS):
            assert begun.wait(PATIENCE)
            leavers = [sent(client, path, **body) for _ in range(2)]
            until_waiting(client, 2)
            assert client.post(path, **body).status_code == 503
            for leaver in leavers:
                leaver.close()
            until_waiting(client, 0)
        assert client.get("/v1/tasks").json() == before
