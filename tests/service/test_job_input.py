import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from models.confidence import KEEP_KNOWN
from service.settings import Settings
from service.uploads.job_input import INPUT, PACKED, _Spool
from tests.service.intake_app import make_app
from tests.service.made_images import drawing, zipped

SETTINGS = Settings(
    max_file_bytes=5000, max_archive_entries=4, max_archive_bytes=20_000, max_files=2, max_request_bytes=10_000
)
JOBS = "/v1/tasks/x/jobs"
A, B = drawing(1), drawing(2)
FULL = Path("/dev/full")  # every write to it fails as on a full disk


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(make_app(SETTINGS, tmp_path)) as client:
        yield client


def contents(answer: Any) -> dict[str, bytes]:
    assert answer.status_code == 200, answer.text
    return {name: base64.b64decode(content) for name, content in answer.json().items()}


def test_keeps_an_archive_as_it_came(client: TestClient, tmp_path: Path) -> None:
    archive = zipped({"x/2.png": A, "1.png": B, ".DS_Store": b""})
    answer = client.post(JOBS, files={"archive": ("a.zip", archive)})
    assert list(contents(answer).items()) == [("x/2.png", A), ("1.png", B)]
    assert [path.name for path in tmp_path.iterdir()] == [INPUT]
    assert (tmp_path / INPUT).read_bytes() == archive


def test_packs_single_files_in_their_order(client: TestClient) -> None:
    files = [("query", ("b.png", B)), ("query", ("a.png", A)), ("query", ("c.png", b""))]
    assert list(contents(client.post(JOBS, files=files)).items()) == [("b.png", B), ("a.png", A), ("c.png", b"")]


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["x.png", "x.png", "a/x.png", "a/x.png"], ["x.png", "x (2).png", "a/x.png", "a/x (2).png"]),
        (["v1.0/x", "v1.0/x", "x/", "x/"], ["v1.0/x", "v1.0/x (2)", "x/", "x/ (2)"]),
    ],
)
def test_files_of_one_name_stay_apart(client: TestClient, names: list[str], kept: list[str]) -> None:
    assert list(contents(client.post(JOBS, files=[("query", (name, A)) for name in names]))) == kept


@pytest.mark.parametrize(
    "names", [["1:30.png", "Thumbs.db", "__MACOSX", ".."], ["../up/x.png", "/x.png", "c\\x.png", "x/"]]
)
def test_a_single_file_may_be_called_what_no_entry_may(
    client: TestClient, tmp_path: Path, names: list[str]
) -> None:
    query = [{"image": base64.b64encode(A).decode(), "filename": name} for name in names]
    for body in ({"files": [("query", (name, A)) for name in names]}, {"json": {"query": query[:2]}}):
        found = contents(client.post(JOBS, **body))
        assert list(found) == names[: len(found)]
        assert [path.name for path in tmp_path.iterdir()] == [PACKED]


def test_numbers_of_equal_names_are_not_tried_from_the_first_again(tmp_path: Path) -> None:
    class Watched(set[str]):
        asked = 0

        def __contains__(self, name: object) -> bool:
            self.asked += 1
            return super().__contains__(name)

    spool = _Spool(tmp_path / "x")
    spool._names = watched = Watched()
    names = [spool._unused(name) for name in ["a (3).png", *["a.png"] * 200, "a", "a"]]
    spool.close()
    assert names[:4] == ["a (3).png", "a.png", "a (2).png", "a (4).png"]
    assert names[-2:] == ["a", "a (2)"]
    assert len(set(names)) == len(names)
    assert watched.asked < 3 * len(names)


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_on_a_full_disk_nothing_stays_open(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to(FULL)
    spool = _Spool(tmp_path / "x")
    with pytest.raises(OSError, match="No space left"):
        spool.open("query", "a.png").write(bytes(100_000))
    with pytest.raises(OSError, match="No space left"):
        spool.close()
    assert spool._file.closed
    assert list(tmp_path.iterdir()) == []


def test_takes_json(client: TestClient, tmp_path: Path) -> None:
    query = [{"image": base64.b64encode(A).decode(), "filename": "a.png"}]
    assert contents(client.post(JOBS, json={"query": query})) == {"a.png": A}
    (tmp_path / PACKED).unlink()
    archive = base64.b64encode(zipped({"x/2.png": B, "1.png": A})).decode()
    assert contents(client.post(JOBS, json={"archive": archive})) == {"x/2.png": B, "1.png": A}


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"modle": "x"}, 422, "modle"),
        ({"support": [{"label": "a", "image": ""}]}, 422, "support"),
        ({"archive": base64.b64encode(zipped({"1.png": A})).decode()}, 422, "archive"),
        ({"filler": "x" * 15_000}, 413, "body"),
    ],
)
def test_json_is_held_to_the_same(
    client: TestClient, tmp_path: Path, changes: Any, status: int, field: str
) -> None:
    answer = client.post(JOBS, json={"query": [{"image": base64.b64encode(A).decode()}], **changes})
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("files", "data", "status", "field", "file"),
    [
        ({"archive": ("a.zip", b"no zip")}, {}, 422, "archive", None),
        ({"archive": ("a.zip", zipped({"../a.png": A}))}, {}, 422, "archive", "../a.png"),
        ({"archive": ("a.zip", zipped({}))}, {}, 422, "archive", None),
        ({"archive": ("a.zip", zipped({f"{k}.png": A for k in range(5)}))}, {}, 413, "archive", None),
        ([("query", (f"{k}.png", A)) for k in range(5)], {}, 413, "query", None),
        ({"query": ("a.png", bytes(6000))}, {}, 413, "query", "a.png"),
        ({"support": ("a.png", A)}, {}, 422, "support", "a.png"),
        ([("archive", ("a.zip", b"x")), ("query", ("q.png", A))], {}, 422, "query", "q.png"),
        ([("query", ("q.png", A)), ("archive", ("a.zip", b"x"))], {}, 422, "archive", "a.zip"),
        ([("archive", ("a.zip", b"x")), ("archive", ("b.zip", b"x"))], {}, 422, "archive", "b.zip"),
        ({"query": ("q.png", A)}, {"modle": "x"}, 422, "modle", None),
        ({"unknown": ("u.png", b"")}, {}, 422, "unknown", "u.png"),
        ({"query": ("q.png", A)}, {"model": ["auto", "auto"]}, 422, "model", None),
    ],
)
def test_what_is_refused_leaves_nothing(
    client: TestClient, tmp_path: Path, files: Any, data: Any, status: int, field: str, file: str | None
) -> None:
    answer = client.post(JOBS, files=files, data=data)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["field"], body.get("file")) == (status, field, file)
    assert list(tmp_path.iterdir()) == []


def test_a_form_has_few_texts(client: TestClient, tmp_path: Path) -> None:
    answer = client.post(JOBS, files={"query": ("q.png", A)}, data={f"t{k}": "x" for k in range(20)})
    assert (answer.status_code, answer.json()["field"]) == (413, "t16")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("model", ["", " auto "])
def test_knobs_are_read_as_everywhere(client: TestClient, model: str) -> None:
    by_form = client.post(JOBS, files={"query": ("q.png", A)}, data={"model": model, "keep_known": ""})
    image = base64.b64encode(A).decode()
    by_json = client.post(JOBS, json={"query": [{"image": image}], "model": model, "keep_known": None})
    assert by_form.headers["knobs"] == by_json.headers["knobs"] == f"auto {KEEP_KNOWN}"


def test_a_knob_is_given_once_and_is_a_text(client: TestClient) -> None:
    twice = client.post(JOBS, files={"query": ("q.png", A)}, data={"keep_known": ["0.9", "0.95"]})
    assert (twice.status_code, twice.json()["field"]) == (422, "keep_known")
    image = base64.b64encode(A).decode()
    number = client.post(JOBS, json={"query": [{"image": image}], "model": 5})
    assert (number.status_code, number.json()["field"]) == (422, "model")


def test_wants_something(client: TestClient, tmp_path: Path) -> None:
    answer = client.post(JOBS, json={})
    assert (answer.status_code, answer.json()["field"]) == (422, "archive")
    assert list(tmp_path.iterdir()) == []


def test_labels_are_not_for_a_job(client: TestClient) -> None:
    answer = client.post(JOBS, files={"query": ("q.png", A)}, data={"labels": ["a", "b"]})
    assert (answer.status_code, answer.json()["field"]) == (422, "labels")
    assert answer.json()["detail"] == "'labels' is not known here; known are archive, keep_known, model, query"
