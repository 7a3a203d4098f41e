import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from service.middleware.unexpected_errors import UnexpectedErrors
from service.problems import Problem, install_handlers, problem_response
from service.settings import Settings
from tests.service.intake_app import make_app


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(make_app(Settings(), tmp_path)) as client:
        yield client


def app_that_streams(cut_short_by: Problem) -> FastAPI:
    app = FastAPI()
    install_handlers(app)
    app.add_middleware(UnexpectedErrors)

    def rows() -> Iterator[bytes]:
        yield b"1"
        raise cut_short_by

    @app.get("/rows")
    def stream() -> StreamingResponse:
        return StreamingResponse(rows())

    return app


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/both", 405), ("POST", "/number/x", 422)]
)
def test_every_error_is_a_problem(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["instance"], body["type"]) == (
        status,
        status,
        path,
        "about:blank",
    )


@pytest.mark.parametrize(
    ("path", "instance"),
    [
        ("/v1/tasks/a%20b", "/v1/tasks/a%20b"),
        ("/v1/tasks/a%3Fb%23c", "/v1/tasks/a%3Fb%23c"),
        ("/v1/tasks/%E9%9F%B3?limit=1", "/v1/tasks/%E9%9F%B3"),
        ("/v1/tasks/a:b@c,d=(1)", "/v1/tasks/a:b@c,d=(1)"),
    ],
)
def test_the_instance_is_a_reference_to_what_was_asked_for(client: TestClient, path: str, instance: str) -> None:
    assert client.get(path).json()["instance"] == instance
    foreign = client.post("/v1/tasks/a b/jobs", headers={"Content-Length": "9" * 12})
    assert (foreign.status_code, foreign.json()["instance"]) == (413, "/v1/tasks/a%20b/jobs")


def test_validation_names_the_field(client: TestClient) -> None:
    assert client.post("/number/x").json()["field"] == "number"


def test_a_405_tells_what_is_allowed(client: TestClient) -> None:
    assert client.get("/both").headers["allow"] == "POST"


def test_the_unexpected_has_a_number_and_no_trace(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.post("/number/0")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    number = answer.json()["detail"].split("number ")[1].split(";")[0]
    assert "ZeroDivision" not in answer.text
    logged = next(record for record in caplog.records if number in record.getMessage())
    assert logged.exc_info is not None
    assert logged.exc_info[0] is ZeroDivisionError


def test_the_unexpected_in_the_middle_of_an_answer_begins_no_second_one(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Message] = []

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/"}
    asyncio.run(UnexpectedErrors(failing)(scope, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert "unexpected error" in caplog.text


def test_a_problem_in_the_middle_of_an_answer_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    app = app_that_streams(cut_short_by=Problem(404, "there is no job 'x'"))
    with TestClient(app) as client:
        answer = client.get("/rows")
    assert (answer.status_code, answer.content) == (200, b"1")
    (logged,) = (record for record in caplog.records if record.name == "metashot")
    assert logged.getMessage() == "the answer to GET /rows was cut short: there is no job 'x'"
    assert (logged.levelname, logged.exc_info) == ("WARNING", None)


def test_no_problem_is_endless() -> None:
    problem = Problem(422, "x" * 10**6, file="f" * 10**6, field="g" * 10**6)
    body = json.loads(bytes(problem_response(problem, "/").body))
    assert max(len(body[name]) for name in ("detail", "file", "field")) == 2000
    assert body["detail"].endswith("x…")
