"""What a request leaves behind: nothing that waits for garbage collection, which halts all answers."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import httpx
import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from tests.service.made_images import drawing
from tests.service.server_process import PATIENCE
from tests.service.test_body_limit import scope_of
from tests.service.tiny_service import until


class Call:
    """A request as a server holds it: with its scope, and what the application is given to receive and send."""

    def __init__(self, request: httpx.Request) -> None:
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        self.scope: Scope = scope_of(request.url.path, headers) | {"method": request.method}
        self.pieces: list[Message] = [{"type": "http.request", "body": request.read()}]
        self.status = 0

    async def receive(self) -> Message:
        if not self.pieces:
            await asyncio.Event().wait()  # the caller waits for the answer
        return self.pieces.pop()

    async def send(self, message: Message) -> None:
        self.status = message.get("status", self.status)


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


LABELS = [("labels", (None, label)) for label in "ab"]
FILES = [("support", drawing(0)), ("support", drawing(3)), *LABELS, ("query", drawing(1))]
REQUESTS = {
    "list": (200, "GET", "/v1/tasks", []),
    "models": (200, "GET", "/v1/models", []),
    "metrics": (200, "GET", "/metrics", []),
    "page": (200, "GET", "/", []),
    "answer": (200, "POST", "/v1/classify", FILES),
    "no query": (422, "POST", "/v1/classify", FILES[:-1]),
    "no image": (422, "POST", "/v1/classify", [*FILES[:-1], ("query", b"none")]),
    "no task": (404, "GET", "/v1/tasks/none", []),
    "no address": (404, "GET", "/v1/none", []),
}


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("name", REQUESTS)
def test_an_answered_request_is_freed_at_once(client: TestClient, name: str) -> None:
    status, method, path, files = REQUESTS[name]
    call = Call(httpx.Request(method, f"http://localhost{path}", files=files))
    held = weakref.ref(call)

    async def answer(call: Call) -> None:
        await client.app(call.scope, call.receive, call.send)

    assert client.portal is not None
    client.portal.call(asyncio.wait_for, answer(call), PATIENCE)
    assert call.status == status
    del call
    until(lambda: held() is None)  # the thread that answered may still be letting go of it
