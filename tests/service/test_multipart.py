"""Forms as browsers send them."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.settings import Settings
from tests.service.intake_app import make_app
from tests.service.made_images import drawing, zipped

A, B, Q = drawing(1), drawing(2), drawing(3)
JOBS = "/v1/tasks/x/jobs"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(make_app(Settings(max_files=3, max_archive_entries=2), tmp_path)) as client:
        yield client


def part(field: str, content: bytes, filename: str | None = None) -> bytes:
    named = "" if filename is None else f'; filename="{filename}"'
    return f'--x\r\nContent-Disposition: form-data; name="{field}"{named}\r\n\r\n'.encode() + content + b"\r\n"


def post(client: TestClient, path: str, *parts: bytes) -> Any:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    return client.post(path, content=b"".join(parts) + b"--x--\r\n", headers=headers)


LEFT_EMPTY = [part(field, b"", "") for field in ("archive", "support", "query", "query")]
SUPPORT = [part("support", A, "a.png"), part("labels", b"a"), part("support", B, "b.png"), part("labels", b"b")]


def test_file_inputs_that_were_left_empty_say_nothing(client: TestClient) -> None:
    answer = post(client, "/both", *LEFT_EMPTY, *SUPPORT, part("query", Q, "q.png"), *LEFT_EMPTY)
    assert answer.status_code == 200, answer.text
    assert [one["filename"] for one in answer.json()["query"]] == ["q.png"]
    assert [one["label"] for one in answer.json()["support"]] == ["a", "b"]


def test_file_inputs_that_were_left_empty_are_missing_where_they_are_wanted(client: TestClient) -> None:
    for path, parts, field in (("/both", SUPPORT, "query"), (JOBS, [], "archive")):
        problem = post(client, path, *parts, *LEFT_EMPTY).json()
        assert (problem["status"], problem["field"], problem["title"]) == (422, field, "Missing field")


@pytest.mark.parametrize(
    "parts",
    [
        [part("query", A, "a.png"), part("query", B, "b.png")],
        [part("archive", zipped({"a.png": A, "b.png": B}), "i.zip")],
    ],
    ids=["files", "archive"],
)
def test_a_job_takes_what_was_chosen(client: TestClient, parts: list[bytes]) -> None:
    answer = post(client, JOBS, *LEFT_EMPTY, *parts, *LEFT_EMPTY)
    assert answer.status_code == 200, answer.text
    assert {name: base64.b64decode(file) for name, file in answer.json().items()} == {"a.png": A, "b.png": B}


def test_a_file_without_a_name_or_without_content_is_one(client: TestClient) -> None:
    answer = post(client, "/query", part("query", A, ""), part("query", B, "b.png"))
    assert [one["filename"] for one in answer.json()["query"]] == ["query[1]", "b.png"]
    answer = post(client, "/query", part("query", b"", "empty.png"))
    assert (answer.status_code, answer.json()["file"]) == (422, "empty.png")
    answer = post(client, "/query", *[part("query", A, "")] * 4)
    assert (answer.status_code, answer.json()["title"]) == (413, "Too many files")
