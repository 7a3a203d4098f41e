import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.settings import Settings
from service.uploads.multipart import MAX_KNOBS
from tests.service.intake_app import make_app
from tests.service.made_images import bomb, drawing, zipped

A, B, Q = drawing(1), drawing(2), drawing(3)
FILES = [("support", ("a.png", A)), ("support", ("b.png", B)), ("query", ("q.png", Q))]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = Settings(max_files=6, max_file_bytes=20_000, max_request_bytes=200_000, max_pixels=10_000)
    with TestClient(make_app(settings, tmp_path_factory.mktemp("jobs"))) as client:
        yield client


def form(client: TestClient, files: Any = FILES, path: str = "/both", **fields: Any) -> Any:
    return client.post(path, files=files, data={"labels": ["a", "b"], **fields})


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def document(**changes: Any) -> dict[str, Any]:
    support = [{"label": "a", "image": text(A)}, {"label": "b", "image": text(B), "filename": "b.png"}]
    return {"support": support, "query": [{"image": text(Q)}], **changes}


def problem(answer: Any) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == answer.status_code
    assert body["instance"] == answer.request.url.path
    assert body["title"]
    assert body["detail"]
    return body


def test_form_and_json_say_the_same(client: TestClient) -> None:
    by_form = form(client, model="characters", name="My drawings").json()
    by_json = client.post("/both", json=document(model="characters", name="My drawings")).json()
    assert by_form["fields"] == by_json["fields"] == {"model": "characters", "name": "My drawings"}
    assert [(one["label"], one["filename"]) for one in by_form["support"]] == [("a", "a.png"), ("b", "b.png")]
    assert [one["label"] for one in by_json["support"]] == ["a", "b"]
    assert [one["filename"] for one in by_json["support"]] == ["support[0]", "b.png"]
    assert [one["size"] for one in by_form["query"]] == [one["size"] for one in by_json["query"]] == [[40, 40]]


def test_labels_go_with_the_files_in_their_order(client: TestClient) -> None:
    files = [("support", (f"{k}.png", A)) for k in range(5)] + [("query", ("q.png", Q))]
    answer = form(client, files, labels=["e", "d", "c", "b", "a"]).json()
    assert [(one["label"], one["filename"][0]) for one in answer["support"]] == list(
        zip("edcba", "01234", strict=True)
    )


def test_an_archive_stands_for_support_and_labels(client: TestClient) -> None:
    archive = zipped({"あ/1.png": A, "い/1.png": B})
    files = [("archive", ("set.zip", archive)), ("query", ("q.png", Q))]
    by_form = client.post("/both", files=files).json()
    by_json = client.post("/both", json={"archive": text(archive), "query": [{"image": text(Q)}]}).json()
    for answer in (by_form, by_json):
        assert [(one["label"], one["filename"]) for one in answer["support"]] == [
            ("あ", "あ/1.png"),
            ("い", "い/1.png"),
        ]


def test_labels_are_canonical_unicode_without_blanks(client: TestClient) -> None:
    answer = form(client, labels=["  e\u0301 ", "日本 語 🖊"]).json()
    assert [one["label"] for one in answer["support"]] == ["\u00e9", "日本 語 🖊"]


def test_file_names_survive_and_control_characters_do_not(client: TestClient) -> None:
    support = [{"label": "a", "image": text(A), "filename": "x\n\ud800.png"}, {"label": "b", "image": text(B)}]
    body = json.dumps(document(support=support)).encode()
    answer = client.post("/both", content=body, headers={"Content-Type": "application/json"}).json()
    assert answer["support"][0]["filename"] == "x\ufffd\ufffd.png"
    # A screen shot's name holds a narrow space, a family is joined by characters of no width.
    for name in ("Zeichnung ä.png", "Screenshot at 3.05\u202fPM.png", "\U0001f468\u200d\U0001f469.png"):
        assert form(client, [*FILES[:2], ("query", (name, Q))]).json()["query"][0]["filename"] == name


def test_file_names_in_the_extended_notation(client: TestClient) -> None:
    disposition = "Content-Disposition: form-data; name=\"query\"; filename*=UTF-8''%C3%A4.png"
    content = f"--x\r\n{disposition}\r\n\r\n".encode() + Q + b"\r\n--x--\r\n"
    answer = client.post("/query", content=content, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.json()["query"][0]["filename"] == "ä.png"


def test_empty_texts_and_data_urls_are_fine(client: TestClient) -> None:
    assert form(client, model="", name="").json()["fields"] == {}
    query = [{"image": f"data:image/png;base64,{text(Q)}"}]
    assert client.post("/both", json=document(query=query, model=None)).status_code == 200


@pytest.mark.parametrize(
    ("files", "fields", "status", "field", "file"),
    [
        ([*FILES[:2], ("query", ("q.png", b"hello"))], {}, 422, "query", "q.png"),
        ([*FILES[:2], ("query", ("q.png", b""))], {}, 422, "query", "q.png"),
        ([*FILES[:2], ("query", ("q.png", Q[:-50]))], {}, 422, "query", "q.png"),
        ([*FILES[:2], ("query", ("q.png", bomb(3000, 3000)))], {}, 413, "query", "q.png"),
        ([("support", ("s.png", b"hello")), *FILES[1:]], {}, 422, "support", "s.png"),
        ([("support", ("s.png", bytes(30_000))), *FILES[1:]], {}, 413, "support", "s.png"),
        (FILES[:2], {}, 422, "query", None),
        (FILES[2:], {"labels": []}, 422, "support", None),
        (FILES, {"labels": ["a"]}, 422, "labels", None),
        (FILES, {"labels": ["a", "b", "c"]}, 422, "labels", None),
        (FILES, {"labels": []}, 422, "labels", None),
        (FILES, {"labels": ["a", "  "]}, 422, "labels", "b.png"),
        (FILES, {"labels": ["a", "x" * 101]}, 422, "labels", "b.png"),
        (FILES, {"labels": ["a", "\u200b\u00a0"]}, 422, "labels", "b.png"),
        (FILES, {"labels": ["a", "x\x00"]}, 422, "labels", "b.png"),
        (FILES, {"labels": ["a", "x\u2028y"]}, 422, "labels", "b.png"),
        (FILES, {"labels": ["a", "x" * 5000]}, 413, "labels", None),
        (FILES, {"labels": ["a"] * (6 + MAX_KNOBS + 1)}, 413, "labels", None),
        (FILES, {"label": "a"}, 422, "label", None),
        (FILES, {"model": ["a", "b"]}, 422, "model", None),
        (FILES, {"model": "x" * 200}, 422, "model", None),
        ([("support", (f"{k}.png", A)) for k in range(7)], {"labels": ["a"] * 7}, 413, "support", None),
        (FILES[1:], {"support": "a string", "labels": ["b"]}, 422, "support", None),
        ([*FILES, ("extra", ("x.png", A))], {}, 422, "extra", "x.png"),
        ([*FILES, ("labels", ("x.png", A))], {}, 422, "labels", "x.png"),
        ([("archive", ("x.zip", zipped({"../a.png": A}))), FILES[2]], {"labels": []}, 422, "archive", "../a.png"),
        ([("archive", ("x.zip", zipped({"a/1.png": b""}))), FILES[2]], {"labels": []}, 422, "archive", "a/1.png"),
        ([("archive", ("x.zip", b"no zip")), FILES[2]], {"labels": []}, 422, "archive", None),
    ],
)
def test_refuses_a_bad_form(
    client: TestClient, files: Any, fields: dict[str, Any], status: int, field: str, file: str | None
) -> None:
    body = problem(form(client, files, **fields))
    assert (body["status"], body["field"], body.get("file")) == (status, field, file)


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"support": "a"}, 422, "support"),
        ({"support": ["a", "b"]}, 422, "support"),
        ({"support": {}}, 422, "support"),
        ({"support": []}, 422, "support"),
        ({"query": None}, 422, "query"),
        ({"support": [{"label": "a", "image": "???"}]}, 422, "support[0].image"),
        ({"support": [{"label": "a", "image": 5}]}, 422, "support[0].image"),
        ({"support": [{"label": "a"}]}, 422, "support[0].image"),
        ({"support": [{"image": text(A)}]}, 422, "support[0].label"),
        ({"support": [{"label": 7, "image": text(A)}]}, 422, "support[0].label"),
        ({"support": [{"label": " ", "image": text(A)}]}, 422, "support[0].label"),
        ({"support": [{"label": "a", "image": text(bytes(30_000))}]}, 413, "support[0].image"),
        ({"query": [{"image": text(Q)}, {"image": text(b"hello")}]}, 422, "query[1].image"),
        ({"query": [{"image": text(Q), "filename": 7}]}, 422, "query[0].filename"),
        ({"query": [{"image": text(Q), "label": "a"}]}, 422, "query[0].label"),
        ({"support": [{"lable": "a", "image": text(A)}]}, 422, "support[0].lable"),
        ({"labels": ["a", "b"]}, 422, "labels"),
        ({"query": [{"image": "http://127.0.0.1/x.png"}]}, 422, "query[0].image"),
        ({"query": [{"image": ""}] * 7}, 413, "query"),
        ({"archive": "AAAA"}, 422, "archive"),
        ({"model": {"a": 1}}, 422, "model"),
        ({"modle": "a"}, 422, "modle"),
    ],
)
def test_refuses_bad_json_values(client: TestClient, changes: dict[str, Any], status: int, field: str) -> None:
    body = problem(client.post("/both", json=document(**changes)))
    assert (body["status"], body["field"]) == (status, field)


def test_names_a_field_that_is_no_text(client: TestClient) -> None:
    content = json.dumps(document() | {"\ud800": "x"}).encode()
    answer = client.post("/both", content=content, headers={"Content-Type": "application/json"})
    assert (problem(answer)["status"], problem(answer)["field"]) == (422, "\ufffd")


def test_refuses_a_label_that_is_half_a_character(client: TestClient) -> None:
    support = [{"label": "\ud800", "image": text(A)}]
    content = json.dumps(document(support=support)).encode()
    answer = client.post("/both", content=content, headers={"Content-Type": "application/json"})
    assert problem(answer)["field"] == "support[0].label"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 4000, b'{"support": [}'])
def test_refuses_what_is_no_json(client: TestClient, content: bytes) -> None:
    body = problem(client.post("/both", content=content, headers={"Content-Type": "application/json"}))
    assert (body["status"], body["field"]) == (400, "body")


def test_refuses_json_that_is_no_object(client: TestClient) -> None:
    assert problem(client.post("/both", json=[1]))["status"] == 422


@pytest.mark.parametrize("kind", ["", "text/plain", "image/png", "application/x-www-form-urlencoded"])
def test_refuses_other_content_types(client: TestClient, kind: str) -> None:
    body = problem(client.post("/both", content=A, headers={"Content-Type": kind}))
    assert (body["status"], body["field"]) == (415, "Content-Type")
    assert ("-F in place of -d" in body["detail"]) == kind.endswith("urlencoded")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"hello"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\na\r\n'),
    ],
)
def test_refuses_a_malformed_form(client: TestClient, kind: str, content: bytes) -> None:
    assert problem(client.post("/both", content=content, headers={"Content-Type": kind}))["status"] == 400


def test_a_form_without_its_boundary_is_told_who_sets_it(client: TestClient) -> None:
    answer = client.post("/both", files=FILES, headers={"Content-Type": "multipart/form-data"})
    assert "let what makes the form set this header" in problem(answer)["detail"]


def test_a_route_takes_only_what_it_wants(client: TestClient) -> None:
    assert form(client, FILES[2:], "/query", labels=[]).json()["query"][0]["filename"] == "q.png"
    assert problem(form(client, FILES, "/query"))["field"] == "support"
    assert problem(form(client, FILES[2:], "/query", labels=[], model="auto"))["field"] == "model"
    archive = ("archive", ("x.zip", zipped({"a/1.png": A})))
    assert problem(form(client, [archive, FILES[2]], "/query", labels=[]))["field"] == "archive"
    for field in ("labels", "support", "archive"):
        detail = problem(client.post("/query", files=FILES[2:], data={field: "a"}))["detail"]
        assert detail == f"{field!r} is not known here; known are query"


@pytest.mark.parametrize("field", ["file", "query[]", "support", "archive", "labels"])
def test_a_file_by_another_name_is_told_where_files_go(client: TestClient, field: str) -> None:
    files = [(field, ("x.png", A))]
    body = problem(client.post("/query", files=files))
    assert (body["status"], body["field"], body["file"]) == (422, field, "x.png")
    assert body["detail"] == f"this route takes no file as {field!r}; send images to classify as 'query'"
    if field == "file":
        detail = problem(client.post("/both", files=files))["detail"]
        assert "images to classify as 'query' and labelled images as 'support'" in detail


def test_images_that_json_brings_in_vain_are_told_where_they_go(client: TestClient) -> None:
    for field, value in (("support", document()["support"]), ("archive", text(zipped({"a/1.png": A})))):
        body = problem(client.post("/query", json={field: value}))
        assert (body["status"], body["field"]) == (422, field)
        assert "send images to classify as 'query'" in body["detail"]


def test_known_are_the_fields_that_the_route_takes(client: TestClient) -> None:
    assert "known are query" in problem(form(client, FILES[2:], "/query", labels=[], modle="auto"))["detail"]
    known = "known are archive, expires_in, labels, model, name, query, support"
    assert known in problem(form(client, modle="auto"))["detail"]


@pytest.mark.parametrize("name", ["label", "labels[]"])
def test_labels_by_another_name_are_told_theirs(client: TestClient, name: str) -> None:
    body = problem(client.post("/both", files=FILES, data={name: ["a", "b"]}))
    assert (body["status"], body["field"], body["title"]) == (422, name, "Unexpected field")
    assert "'labels'" in body["detail"]
    assert problem(form(client, **{name: ["a", "b"]}))["field"] == name


def test_a_misspelt_field_given_twice_is_not_known(client: TestClient) -> None:
    assert "is not known here" in problem(form(client, modle=["a", "b"]))["detail"]
    assert "is given twice" in problem(form(client, model=["a", "b"]))["detail"]


@pytest.mark.parametrize("path", ["/both", "/query", "/v1/tasks/x/jobs"])
def test_a_compressed_body_is_refused_as_such(client: TestClient, path: str) -> None:
    for kind in ("application/json", "multipart/form-data; boundary=x"):
        headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
        answer = client.post(path, content=gzip.compress(b"{}"), headers=headers)
        body = problem(answer)
        assert (body["status"], body["field"]) == (415, "Content-Encoding")
        assert "uncompressed" in body["detail"]
        assert answer.headers["accept-encoding"] == "identity"


def test_a_body_may_say_that_it_is_not_compressed(client: TestClient) -> None:
    answer = client.post("/both", json=document(), headers={"Content-Encoding": "Identity"})
    assert answer.status_code == 200
