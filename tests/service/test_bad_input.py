"""Every wrong input gets its 4xx problem+json, which names the file or the field, and leaves nothing behind."""

import base64
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.service.made_images import bomb, drawing, encoded, zipped
from tests.service.tiny_service import TINY, serving

A, B, Q = ("a.png", drawing(1)), ("b.png", drawing(2)), ("q.png", drawing(3))
GIF = encoded(Image.new("L", (20, 20), 255), "GIF")
NOISE = encoded(Image.effect_noise((80, 80), 60))


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="module")
def client(data_dir: Path) -> Iterator[TestClient]:
    limits = {"max_file_bytes": 20_000, "max_request_bytes": 600_000, "max_pixels": 1_000_000, "max_ways": 5}
    with serving(data_dir, max_archive_bytes=600_000, **limits) as client:
        yield client


@pytest.fixture(scope="module")
def task(client: TestClient) -> str:
    answer = client.post("/v1/tasks", files=[("support", A), ("support", B)], data={"labels": ["a", "b"]})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture(autouse=True)
def nothing_is_left(client: TestClient, data_dir: Path, task: str) -> Iterator[None]:
    """Compare what is kept before and after each test."""

    def kept() -> Any:
        files = sorted(path.relative_to(data_dir) for path in data_dir.rglob("*") if "sqlite" not in path.name)
        return client.get("/v1/tasks").json(), client.get("/v1/jobs").json(), files

    before = kept()
    yield
    assert kept() == before


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def two(first: Any = A, second: Any = B) -> list[tuple[str, Any]]:
    return [("support", first), ("support", second)]


def locked_archive() -> bytes:
    archive = bytearray(zipped({"a/1.png": A[1], "b/2.png": B[1]}))
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    return bytes(archive)


def check(answer: Any, status: int, field: str | None, file: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert (body.get("field"), body.get("file")) == (field, file)


BAD_IMAGES = [
    pytest.param(b"hello", 422, id="not an image"),
    pytest.param(b"", 422, id="zero bytes"),
    pytest.param(GIF, 422, id="another format"),
    pytest.param(NOISE[:-2000], 422, id="truncated"),
    pytest.param(bomb(30_000, 30_000), 413, id="bomb"),
    pytest.param(bomb(1_001, 1_000), 413, id="too many pixels"),
    pytest.param(bytes(20_001), 413, id="too large"),
]


@pytest.mark.parametrize(("content", "status"), BAD_IMAGES)
def test_bad_image_anywhere(client: TestClient, task: str, content: bytes, status: int) -> None:
    bad = ("bad.png", content)
    labels = {"labels": ["a", "b"]}
    for path, files, data, field in (
        ("/v1/classify", [*two(), ("query", bad)], labels, "query"),
        ("/v1/classify", [*two(second=bad), ("query", Q)], labels, "support"),
        ("/v1/tasks", two(first=bad), labels, "support"),
        (f"/v1/tasks/{task}/examples", two(second=bad), labels, "support"),
        (f"/v1/tasks/{task}/classify", [("query", Q), ("query", bad)], {}, "query"),
    ):
        check(client.post(path, files=files, data=data), status, field, "bad.png")


@pytest.mark.parametrize(("content", "status"), BAD_IMAGES)
def test_bad_image_in_json(client: TestClient, task: str, content: bytes, status: int) -> None:
    bad = {"image": text(content), "filename": "bad.png"}
    answer = client.post(f"/v1/tasks/{task}/classify", json={"query": [bad]})
    check(answer, status, "query[0].image", "bad.png")
    support = [{"label": "a", "image": text(A[1])}, {"label": "b", **bad}]
    for path in ("/v1/tasks", f"/v1/tasks/{task}/examples"):
        check(client.post(path, json={"support": support}), status, "support[1].image", "bad.png")


@pytest.mark.parametrize(
    ("files", "labels", "status", "field", "file"),
    [
        pytest.param(two(), [], 422, "labels", None, id="no label"),
        pytest.param(two(), ["a"], 422, "labels", None, id="label count differs"),
        pytest.param(two(), ["a", "b", "c"], 422, "labels", None, id="one label too many"),
        pytest.param(two(), ["a", " "], 422, "labels", "b.png", id="blank label"),
        pytest.param(two(), ["a", "x" * 101], 422, "labels", "b.png", id="label too long"),
        pytest.param(two(), ["a", "a"], 422, "labels", None, id="one class only"),
        pytest.param([("support", A)] * 6, list("abcdef"), 422, "labels", None, id="too many classes"),
        pytest.param([("query", Q)], [], 422, "support", None, id="no support"),
        pytest.param([("support", A)] * 1001, ["a"] * 1001, 413, "support", None, id="1,001 files"),
    ],
)
def test_bad_support(
    client: TestClient, files: Any, labels: list[str], status: int, field: str, file: str | None
) -> None:
    queried = files if files[0][0] == "query" else [*files, ("query", Q)]
    check(client.post("/v1/classify", files=queried, data={"labels": labels}), status, field, file)
    created = client.post("/v1/tasks", files=files, data={"labels": labels})
    assert created.headers["content-type"] == "application/problem+json"
    assert created.status_code == (422 if field == "support" and status == 422 else status)


@pytest.mark.parametrize("classes", [1, 6])
def test_a_number_of_classes_is_the_fault_of_what_brought_them(
    client: TestClient, task: str, classes: int
) -> None:
    labels = [f"new {number}" for number in range(classes)]
    bodies: list[tuple[dict[str, Any], str]] = [
        ({"files": [("support", A)] * classes, "data": {"labels": labels}}, "labels"),
        ({"json": {"support": [{"label": label, "image": text(A[1])} for label in labels]}}, "support"),
        ({"files": {"archive": ("s.zip", zipped({f"{label}/1.png": A[1] for label in labels}))}}, "archive"),
        ({"json": {"archive": text(zipped({f"{label}/1.png": A[1] for label in labels}))}}, "archive"),
    ]
    for body, field in bodies:
        check(client.post("/v1/tasks", **body), 422, field)
        if classes > 1:
            check(client.post(f"/v1/tasks/{task}/examples", **body), 422, field)


@pytest.mark.parametrize(
    ("archive", "status", "file"),
    [
        pytest.param(zipped({"../a/1.png": A[1], "b/2.png": B[1]}), 422, "../a/1.png", id="../"),
        pytest.param(
            zipped({"/a/1.png": A[1], "b/2.png": B[1]}, zipfile.ZIP_STORED), 422, "/a/1.png", id="absolute"
        ),
        pytest.param(locked_archive(), 422, "a/1.png", id="encrypted"),
        pytest.param(zipped({"a/1.png": A[1], "b/2.png": b"x"}), 422, "b/2.png", id="not an image inside"),
        pytest.param(zipped({"a/1.png": bytes(2**21), "b/2.png": B[1]}), 413, "a/1.png", id="bomb"),
        pytest.param(zipped({f"a/{k}.png": b"" for k in range(1001)}), 413, None, id="1,001 entries"),
        pytest.param(zipped({"1.png": A[1]}), 422, "1.png", id="no folders"),
        pytest.param(zipped({}), 422, None, id="empty"),
        pytest.param(b"no zip", 422, None, id="no zip"),
    ],
)
def test_bad_archive(client: TestClient, archive: bytes, status: int, file: str | None) -> None:
    check(client.post("/v1/tasks", files={"archive": ("s.zip", archive)}), status, "archive", file)


@pytest.mark.parametrize(
    ("files", "status", "field", "file"),
    [
        pytest.param({"archive": ("j.zip", b"no zip")}, 422, "archive", None, id="no zip"),
        pytest.param({"archive": ("j.zip", zipped({"../1.png": A[1]}))}, 422, "archive", "../1.png", id="../"),
        pytest.param({"archive": ("j.zip", zipped({}))}, 422, "archive", None, id="empty"),
        pytest.param({"archive": ("j.zip", bytes(700_000))}, 413, None, None, id="too large"),
        pytest.param({"support": A}, 422, "support", "a.png", id="support"),
    ],
)
def test_bad_job(
    client: TestClient, task: str, files: Any, status: int, field: str | None, file: str | None
) -> None:
    check(client.post(f"/v1/tasks/{task}/jobs", files=files), status, field, file)


def test_media_types_are_the_same_everywhere(client: TestClient, task: str) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="query"; filename="q.png"\r\n\r\nhello\r\n--x--\r\n'
    for path in (f"/v1/tasks/{task}/classify", f"/v1/tasks/{task}/jobs"):
        for kind in ("multipart/form-database; boundary=x", "multipart/form-data+x; boundary=x", "text/json"):
            check(client.post(path, content=form, headers={"Content-Type": kind}), 415, "Content-Type")


def test_wrong_types(client: TestClient, task: str) -> None:
    for path in ("/v1/classify", "/v1/tasks", f"/v1/tasks/{task}/examples", f"/v1/tasks/{task}/classify"):
        check(client.post(path, content=A[1], headers={"Content-Type": "image/png"}), 415, "Content-Type")
        check(client.post(path, content=b"{", headers={"Content-Type": "application/json"}), 400, "body")
        check(client.post(path, json=[1]), 422, "body")
        check(client.post(path, json={"query": "text"}), 422, "query")
        check(
            client.post(path, json={"query": [{"image": "http://127.0.0.1/x.png"}]}),
            422,
            "query[0].image",
            "query[0]",
        )
        taken = "query" if path.endswith("classify") else "support"
        check(client.post(path, data={taken: "a text"}, files={"x": A}), 422, taken)
    check(
        client.post(f"/v1/tasks/{task}/jobs", content=A[1], headers={"Content-Type": "image/png"}),
        415,
        "Content-Type",
    )


def test_too_large_a_request(client: TestClient) -> None:
    files = [("support", (f"{k}.png", bytes(19_000))) for k in range(40)]
    check(client.post("/v1/classify", files=files, data={"labels": ["a"] * 40}), 413, None)


def test_unknown_model(client: TestClient) -> None:
    data = {"labels": ["a", "b"], "model": "nothing"}
    answer = client.post("/v1/tasks", files=two(), data=data)
    check(answer, 422, "model")
    assert TINY in answer.json()["detail"]


def test_another_model_than_the_tasks(client: TestClient, task: str) -> None:
    other = {"labels": ["a", "b"], "model": "nothing"}
    check(client.post(f"/v1/tasks/{task}/examples", files=two(), data=other), 422, "model")
    check(client.post(f"/v1/tasks/{task}/classify", files={"query": Q}, data={"model": "nothing"}), 422, "model")
    for model in ("auto", TINY):
        same = {"files": {"query": Q}, "data": {"model": model}}
        assert client.post(f"/v1/tasks/{task}/classify", **same).status_code == 200


def test_a_name_is_taken_only_where_it_names_something(client: TestClient, task: str) -> None:
    named = {"labels": ["a", "b"], "name": "mine"}
    check(client.post("/v1/classify", files=[*two(), ("query", Q)], data=named), 422, "name")
    check(client.post(f"/v1/tasks/{task}/examples", files=two(), data=named), 422, "name")
    for path in (f"/v1/tasks/{task}/classify", f"/v1/tasks/{task}/jobs"):
        check(client.post(path, files={"query": Q}, data={"name": "mine"}), 422, "name")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/tasks/nothing"),
        ("DELETE", "/v1/tasks/nothing"),
        ("DELETE", "/v1/tasks/nothing/examples/nothing"),
        ("DELETE", "/v1/tasks/nothing/classes/nothing"),
        ("DELETE", "/v1/tasks/{task}/examples/nothing"),
        ("DELETE", "/v1/tasks/{task}/classes/nothing"),
        ("GET", "/v1/jobs/nothing"),
        ("DELETE", "/v1/jobs/nothing"),
        ("GET", "/v1/jobs/nothing/results"),
        ("GET", "/v1/nothing"),
    ],
)
def test_unknown_ids(client: TestClient, task: str, method: str, path: str) -> None:
    answer = client.request(method, path.format(task=task))
    check(answer, 404, None)
    assert "nothing" in answer.json()["detail"]


def test_unknown_task_with_a_good_body(client: TestClient) -> None:
    check(client.post("/v1/tasks/nothing/classify", files={"query": Q}), 404, None)
    check(client.post("/v1/tasks/nothing/jobs", files={"query": Q}), 404, None)
    check(client.post("/v1/tasks/nothing/examples", files=two(), data={"labels": ["a", "b"]}), 404, None)


@pytest.mark.parametrize("of_b", [1, 2])
def test_a_task_keeps_two_classes(client: TestClient, of_b: int) -> None:
    files = [("support", (f"{seed}.png", drawing(seed))) for seed in range(1 + of_b)]
    made = client.post("/v1/tasks", files=files, data={"labels": ["a", *["b"] * of_b]}).json()
    answer = client.delete(f"/v1/tasks/{made['id']}/classes/a")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == 409
    (of_a,) = (one["id"] for one in made["examples"] if one["label"] == "a")
    assert client.delete(f"/v1/tasks/{made['id']}/examples/{of_a}").status_code == 409
    assert client.delete(f"/v1/tasks/{made['id']}").status_code == 204


@pytest.mark.parametrize("query", ["limit=0", "limit=many", "limit=-1", "cursor=!!"])
def test_bad_paging(client: TestClient, query: str) -> None:
    for path in ("/v1/tasks", "/v1/jobs"):
        check(client.get(f"{path}?{query}"), 422, query.partition("=")[0])
