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


def sent(client: TestClient, headers: str, content: bytes = Q) -> Any:
    """Post one part to a route that wants a query."""
    return post(client, "/query", f"--x\r\n{headers}\r\n\r\n".encode() + content + b"\r\n")


@pytest.mark.parametrize(
    ("names", "filename"),
    [
        ("filename=plain.png; filename*=UTF-8''%C3%A4.png", "ä.png"),
        ("filename*=UTF-8''%C3%A4.png; filename=plain.png", "ä.png"),
        ("filename*=utf-8'de'%C3%A4%20b.png", "ä b.png"),
        ("filename*=\"UTF-8''%C3%A4.png\"", "ä.png"),
        ("FileName*=ISO-8859-1'en'%E4.png", "ä.png"),
        ("filename*=UTF-8''a%0Ab%22.png", 'a\ufffdb".png'),
        ('filename="plain.png"; filename*=%C3%A4.png', "plain.png"),
        ("filename=\"a; filename*=UTF-8''b.png\"", "a; filename*=UTF-8''b.png"),
        ('filename="a%22b%22.png"', 'a"b".png'),
        ('filename="a%0D%0Ab%20.png"', "a\ufffd\ufffdb%20.png"),
    ],
)
def test_file_names_as_all_kinds_of_clients_write_them(client: TestClient, names: str, filename: str) -> None:
    answer = sent(client, f'Content-Disposition: form-data; name="query"; {names}')
    assert answer.status_code == 200, answer.text
    assert answer.json()["query"][0]["filename"] == filename


@pytest.mark.parametrize("kind", ["application/octet-stream", "image/png", "Image/PNG; x=y"])
def test_a_part_of_another_type_than_text_is_a_file(client: TestClient, kind: str) -> None:
    disposition = 'Content-Disposition: form-data; name="query"'
    answer = sent(client, f"Content-Type: {kind}\r\n{disposition}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["query"][0]["filename"] == "query[1]"
    answer = sent(client, f"{disposition}\r\nContent-Type: Text/plain; charset=utf-8", b"hello")
    assert (answer.status_code, answer.json()["title"]) == (422, "Wrong type")
    answer = sent(client, f"{disposition}\r\nContent-Transfer-Encoding: binary", b"hello")
    assert (answer.status_code, answer.json()["title"]) == (422, "Wrong type")
    label = b'--x\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name="labels"\r\n\r\na\r\n'
    answer = post(client, "/both", SUPPORT[0], label, *SUPPORT[2:], part("query", Q, "q.png"))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_texts_are_read_as_they_were_written(client: TestClient, encoding: str) -> None:
    label = part("labels", "\N{LATIN SMALL LETTER E WITH ACUTE}".encode(encoding))
    answer = post(client, "/both", SUPPORT[0], label, *SUPPORT[2:], part("query", Q, "q.png"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["support"][0]["label"] == "\N{LATIN SMALL LETTER E WITH ACUTE}"


def test_a_job_takes_a_part_of_another_type_than_text(client: TestClient) -> None:
    headers = b'Content-Disposition: form-data; name="query"\r\nContent-Type: image/png'
    unnamed = b"--x\r\n" + headers + b"\r\n\r\n" + A + b"\r\n"
    answer = post(client, JOBS, unnamed, part("query", B, "b.png"))
    assert list(answer.json()) == ["query[1]", "b.png"]


def test_several_files_in_one_part_are_told_to_come_apart(client: TestClient) -> None:
    disposition = 'Content-Disposition: form-data; name="query"'  # as curl sends -F query=@a.png,b.png
    answer = sent(client, f"{disposition}\r\nContent-Type: multipart/mixed; boundary=y", b"--y\r\n...--y--")
    assert (answer.status_code, answer.json()["field"]) == (422, "query")
    assert "send each as a part of its own" in answer.json()["detail"]
    answer = sent(client, f'{disposition}; filename="page.mht"\r\nContent-Type: multipart/related')  # one file
    assert answer.json()["query"][0]["filename"] == "page.mht"
