import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from service.problems import Problem
from service.settings import MEBIBYTE, Settings
from service.uploads import body_limit
from service.uploads.body_limit import BodyLimit, room_of
from tests.service.intake_app import make_app
from tests.service.made_images import drawing, zipped
from tests.service.server_process import PATIENCE

SETTINGS = Settings(
    max_request_bytes=5000,
    max_file_bytes=2000,
    max_archive_bytes=9000,
    max_support_unpacked_bytes=1024,
    upload_s=0.2,
)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(make_app(SETTINGS, tmp_path)) as client:
        yield client


def exchange(
    tmp_path: Path,
    path: str,
    headers: dict[str, str],
    chunks: list[bytes],
    *,
    stall: bool = False,
    leave: bool = False,
) -> Any:
    """Send a body piece by piece; give the status, the answer's body and how many pieces were taken."""
    taken = 0
    sent: list[Message] = []

    async def receive() -> Message:
        nonlocal taken
        if taken == len(chunks) and stall:
            await asyncio.Event().wait()
        if taken == len(chunks) and leave:
            return {"type": "http.disconnect"}
        taken += 1
        more = stall or leave or taken < len(chunks)
        return {"type": "http.request", "body": chunks[taken - 1], "more_body": more}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(asyncio.wait_for(make_app(SETTINGS, tmp_path)(scope_of(path, headers), receive, send), PATIENCE))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent), taken


def scope_of(path: str, headers: Mapping[str, str] = MappingProxyType({})) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }


def whole(body: bytes) -> Receive:
    async def receive() -> Message:
        await asyncio.sleep(0)  # or no timeout could end it
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def never(message: Message) -> None:
    raise AssertionError(message)


def test_announced_too_large(client: TestClient) -> None:
    answer = client.post("/both", content=bytes(5001), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "5000 bytes" in answer.json()["detail"]


def test_streamed_without_a_length_is_counted(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        yield from [bytes(1000)] * 6

    for kind in ("application/json", "multipart/form-data; boundary=x"):
        answer = client.post("/both", content=chunks(), headers={"Content-Type": kind})
        assert answer.status_code in (400, 413)
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.post("/both", content=chunks(), headers={"Content-Type": "application/json"}).status_code == 413


@pytest.mark.parametrize(("path", "limit"), [("/both", 5000), ("/v1/tasks/x/jobs", 9000)])
def test_what_streams_in_is_counted_whatever_reads_it(path: str, limit: int) -> None:
    taken: list[int] = []

    async def endless() -> Message:
        await asyncio.sleep(0)  # or no timeout could end it
        return {"type": "http.request", "body": bytes(1000), "more_body": True}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            taken.append(len((await receive())["body"]))

    form = {"Content-Type": "multipart/form-data; boundary=x"}
    with pytest.raises(Problem, match=f"larger than the {limit} bytes allowed") as refusal:
        asyncio.run(BodyLimit(app, SETTINGS)(scope_of(path, form), endless, never))
    assert refusal.value.status == 413
    assert sum(taken) == limit


def test_takes_all_that_is_sent_before_it_refuses(tmp_path: Path) -> None:
    status, body, taken = exchange(tmp_path, "/both", {"Content-Type": "application/json"}, [bytes(1000)] * 9)
    assert (status, taken) == (413, 9)
    assert b"5000 bytes" in body


@pytest.mark.parametrize(
    ("pieces", "stall", "most"), [(200, False, 26), (6, True, 6)], ids=["endless", "stalled"]
)
def test_what_follows_a_refusal_is_taken_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: int, stall: bool, most: int
) -> None:
    monkeypatch.setattr(body_limit, "_DRAINED_BYTES", 20_000)
    monkeypatch.setattr(body_limit, "_DRAINED_S", 0.1)
    began = time.monotonic()
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    status, body, taken = exchange(tmp_path, "/both", headers, [bytes(1000)] * pieces, stall=stall)
    assert (status, taken) == (413, most)
    assert b"5000 bytes" in body
    assert time.monotonic() - began < PATIENCE / 2


def test_a_patient_caller_is_refused_before_it_sends(tmp_path: Path) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "9000", "Expect": "100-continue"}
    status, _, taken = exchange(tmp_path, "/both", headers, [bytes(1000)] * 9)
    assert (status, taken) == (413, 0)


def test_of_a_body_far_too_large_nothing_is_waited_for(tmp_path: Path) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": str(300 * MEBIBYTE)}
    status, _, taken = exchange(tmp_path, "/both", headers, [bytes(1000)] * 9)
    assert (status, taken) == (413, 0)


def test_jobs_have_a_limit_of_their_own(client: TestClient) -> None:
    answer = client.post("/v1/tasks/x/jobs", files={"archive": ("x.zip", bytes(7000))})
    assert answer.status_code == 422  # no zip, but not too large
    answer = client.post("/v1/tasks/x/jobs", files={"archive": ("x.zip", bytes(9000))})
    assert answer.status_code == 413


def test_a_body_that_never_ends_is_given_up(tmp_path: Path) -> None:
    status, body, _ = exchange(tmp_path, "/both", {"Content-Type": "application/json"}, [b"{"], stall=True)
    assert status == 408
    assert b"0.2 s; send less at once" in body


def test_a_caller_that_goes_away_is_no_unexpected_error(tmp_path: Path) -> None:
    status, _, _ = exchange(tmp_path, "/both", {"Content-Type": "application/json"}, [b"{"], leave=True)
    assert status == 400


PATIENT = {"Content-Length": "5", "Expect": "100-continue"}


@pytest.mark.parametrize(("headers", "begun"), [({}, False), ({}, True), (PATIENT, True)])
def test_an_answer_sees_that_its_caller_goes_away(headers: dict[str, str], begun: bool) -> None:
    received: list[Message] = []

    async def leaving() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        assert message["type"] == "http.response.start"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        received.append(await receive())

    asyncio.run(BodyLimit(app, SETTINGS)(scope_of("/", headers), leaving, send))
    assert received == [{"type": "http.disconnect"}]


def test_a_caller_that_goes_away_without_a_body_is_no_unexpected_error(tmp_path: Path) -> None:
    status, _, _ = exchange(tmp_path, "/both", {"Content-Type": "application/json"}, [], leave=True)
    assert status == 400


def test_time_counts_from_when_the_body_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    received: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal now
        now += 1000  # a task that has to be fitted again first
        received.append(await receive())

    asyncio.run(BodyLimit(app, SETTINGS)(scope_of("/"), whole(b"{}"), never))
    assert [message["body"] for message in received] == [b"{}"]


@pytest.mark.parametrize(
    ("path", "kind", "refused"),
    [
        ("/v1/classify", "application/json", True),
        ("/v1/classify", "multipart/form-data; boundary=x", True),
        ("/v1/tasks/x/jobs", "application/json", True),
        ("/v1/tasks/x/jobs", "multipart/form-data; boundary=x", False),
        ("/v1/tasks/x/jobs", "Multipart/Form-Data ;boundary=x", False),
        ("/v1/tasks/x/jobs", "multipart/form-database; boundary=x", True),
    ],
)
def test_bodies_in_memory_have_one_room(
    monkeypatch: pytest.MonkeyPatch, path: str, kind: str, refused: bool
) -> None:
    monkeypatch.setattr("service.uploads.body_limit._AT_ONCE", 1)
    refusals: list[tuple[int, bool]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if scope["path"] == "/first":
            for _ in range(2):
                await limited(scope_of(path, {"Content-Type": kind}), whole(bytes(3500)), never)

    async def handled(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except Problem as problem:
            refusals.append((problem.status, "Retry-After" in problem.headers))

    limited = BodyLimit(handled, SETTINGS)
    for _ in range(2):  # what the first ones held is free again
        asyncio.run(limited(scope_of("/first"), whole(bytes(3500)), never))
    assert refusals == ([(503, True)] * 4 if refused else [])


def test_a_largest_body_and_all_that_it_unpacks_to_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "_AT_ONCE", 1)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        room_of(scope)(SETTINGS.max_support_unpacked_bytes)

    asyncio.run(BodyLimit(app, SETTINGS)(scope_of("/"), whole(bytes(SETTINGS.max_request_bytes)), never))


@pytest.mark.parametrize(("spare", "status"), [(0, 200), (-1, 503)])
def test_what_archives_unpack_to_needs_room_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spare: int, status: int
) -> None:
    images = {f"{seed}/1.bmp": drawing(seed) for seed in (1, 2)}
    form = {"archive": ("set.zip", zipped(images)), "query": ("q.png", drawing(3))}
    with TestClient(make_app(Settings(data_dir=tmp_path), tmp_path)) as client:
        request = client.build_request("POST", "/both", files=form)
    room = len(request.read()) + sum(map(len, images.values())) + spare
    real = body_limit._Room
    monkeypatch.setattr(body_limit, "_Room", lambda _: real(room))
    with TestClient(make_app(Settings(data_dir=tmp_path), tmp_path)) as client:
        answers = [client.send(request) for _ in range(2)]  # the first one's room is free again
    assert [(one.status_code, "Retry-After" in one.headers) for one in answers] == [(status, status == 503)] * 2
