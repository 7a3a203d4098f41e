"""Jobs from their upload to their results."""

import base64
import csv
import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet
import pytest
from starlette.testclient import TestClient

from service.computing.classifier import Classifier
from service.store.job_store import JobStore, Status
from tests.service.made_images import drawing, zipped
from tests.service.tiny_service import LIKE_PHOTOS, TINY, ended, progressed, save_like_photos, serving

SUPPORT = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2, 3)]
LABELS = {"labels": ["=1+1", "é", "é"]}
IMAGES = {"=cmd.png": drawing(5), "b/ü.png": drawing(6), "bad.png": b"no image", "c.png": drawing(7)}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    data_dir = tmp_path_factory.mktemp("var")
    save_like_photos(data_dir / "initializations" / LIKE_PHOTOS)
    with serving(data_dir, job_batch=1) as client:
        yield client


@pytest.fixture
def task(client: TestClient) -> str:
    return made_task(client, TINY)


def made_task(client: TestClient, model: str) -> str:
    return str(client.post("/v1/tasks", files=SUPPORT, data=LABELS | {"model": model}).json()["id"])


def start(client: TestClient, task: str, images: dict[str, bytes]) -> dict[str, Any]:
    answer = client.post(f"/v1/tasks/{task}/jobs", files={"archive": ("i.zip", zipped(images))})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return dict(answer.json())


def rows(client: TestClient, job: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.get(f"/v1/jobs/{job}/results").text.splitlines()]


@pytest.mark.parametrize("model", [TINY, LIKE_PHOTOS])
def test_scores_every_image_as_classify_does_and_names_the_damaged_one(client: TestClient, model: str) -> None:
    task = made_task(client, model)
    queued = start(client, task, IMAGES)
    assert (queued["total"], queued["task_id"], queued["error"]) == (4, task, None)
    done = ended(client, queued["id"])
    assert (done["status"], done["done"], done["errors"]) == ("done", 4, 1)
    scored = rows(client, queued["id"])
    assert [row["filename"] for row in scored] == list(IMAGES)
    assert set(scored[2]) == {"filename", "error"}
    assert "bad.png" in scored[2]["error"]
    files = [("query", (name, content)) for name, content in IMAGES.items() if name != "bad.png"]
    direct = client.post(f"/v1/tasks/{task}/classify", files=files).json()["predictions"]
    assert [row for row in scored if "error" not in row] == direct


def test_names_single_images_as_classify_does(client: TestClient, task: str) -> None:
    files = [("query", (name, drawing(seed))) for seed, name in enumerate(("x/y.png", "y.png", "c\\y.png"))]
    job = client.post(f"/v1/tasks/{task}/jobs", files=files).json()["id"]
    ended(client, job)
    direct = client.post(f"/v1/tasks/{task}/classify", files=files).json()["predictions"]
    assert [row["filename"] for row in rows(client, job)] == [one["filename"] for one in direct]


def test_csv_has_no_formulas(client: TestClient, task: str) -> None:
    job = start(client, task, IMAGES)["id"]
    ended(client, job)
    answer = client.get(f"/v1/jobs/{job}/results?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["filename"] for row in table] == ["'=cmd.png", "b/ü.png", "bad.png", "c.png"]
    assert {row["label"] for row in table} <= {"'=1+1", "é", ""}
    assert not [cell for row in table for cell in row.values() if cell.startswith(("=", "+", "@"))]
    for row, scored in zip(table, rows(client, job), strict=True):
        assert row["error"] == scored.get("error", "")
        for label, share in scored.get("probabilities", {}).items():
            assert float(row[f"probability of {label}"]) == share


def test_parquet_holds_the_rows(client: TestClient, task: str) -> None:
    job = start(client, task, IMAGES)["id"]
    ended(client, job)
    answer = client.get(f"/v1/jobs/{job}/results?format=parquet")
    table = pyarrow.parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    for row, scored in zip(table, rows(client, job), strict=True):
        assert row["filename"] == scored["filename"]
        assert row["error"] == scored.get("error")
        assert dict(row["probabilities"] or {}) == scored.get("probabilities", {})
        assert (row["nearest"] or []) == scored.get("nearest", [])


@pytest.mark.parametrize(("model", "status"), [("auto", 202), ("tiny", 202), ("other", 422)])
def test_takes_the_tasks_own_model_and_refuses_another(
    client: TestClient, task: str, model: str, status: int
) -> None:
    files = {"archive": ("i.zip", zipped(IMAGES))}
    by_form = client.post(f"/v1/tasks/{task}/jobs", files=files, data={"model": model})
    encoded = base64.b64encode(zipped(IMAGES)).decode()
    by_json = client.post(f"/v1/tasks/{task}/jobs", json={"archive": encoded, "model": model})
    for answer in (by_form, by_json):
        assert answer.status_code == status, answer.text
        if status == 202:
            ended(client, answer.json()["id"])
        else:
            assert answer.json()["field"] == "model"


def test_takes_single_files_and_outlives_its_task(client: TestClient, task: str) -> None:
    files = [("query", (f"{seed}.png", drawing(seed))) for seed in (8, 9)]
    job = client.post(f"/v1/tasks/{task}/jobs", files=files).json()["id"]
    assert client.delete(f"/v1/tasks/{task}").status_code == 204
    assert ended(client, job)["status"] == "done"
    assert [row["filename"] for row in rows(client, job)] == ["8.png", "9.png"]


def test_a_job_keeps_the_classifier_it_was_given(
    client: TestClient, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = client.post(f"/v1/tasks/{task}/classify", files={"query": ("c.png", IMAGES["c.png"])}).json()
    go_on = hold(monkeypatch)
    job = start(client, task, {"c.png": IMAGES["c.png"]})["id"]
    other = client.post(
        f"/v1/tasks/{task}/examples", files=[("support", ("c.png", IMAGES["c.png"]))], data={"labels": ["new"]}
    )
    assert other.json()["version"] == 2
    go_on.set()
    ended(client, job)
    assert rows(client, job) == before["predictions"]


def test_cancelled_between_batches_then_deleted(
    client: TestClient, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = hold(monkeypatch, after=2)
    job = start(client, task, {f"{seed}.png": drawing(seed) for seed in range(20)})["id"]
    assert progressed(client, job, 2)["done"] == 2
    cancelled = client.delete(f"/v1/jobs/{job}")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    go_on.set()
    following = start(client, task, {"c.png": IMAGES["c.png"]})["id"]
    assert ended(client, following)["status"] == "done", "the worker went on to the next job"
    assert client.get(f"/v1/jobs/{job}").json()["done"] == len(rows(client, job)) == 2

    folder = client.app.state.components.jobs.folder(job)
    assert [path.name for path in folder.iterdir()] == ["classifier.json"]
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    assert client.get(f"/v1/jobs/{job}").status_code == 404
    assert not folder.exists()


def test_one_image_that_nobody_foresaw_spoils_its_own_row(
    client: TestClient, task: str, unforeseen: None, caplog: pytest.LogCaptureFixture
) -> None:
    job = start(client, task, {"1.png": drawing(1), "bad.png": drawing(2, side=33), "3.png": drawing(3)})["id"]
    assert ended(client, job)["status"] == "done"
    scored = rows(client, job)
    assert [row["filename"] for row in scored] == ["1.png", "bad.png", "3.png"]
    assert ["error" in row for row in scored] == [False, True, False]
    assert "bad.png could not be prepared (LinAlgError" in scored[1]["error"]
    assert "SVD did not converge" in caplog.text


def test_a_row_is_one_line_whatever_its_image_is_called(client: TestClient, task: str) -> None:
    job = start(client, task, {"a\u2028b.png": drawing(1), "c\x85d.png": b"no image"})["id"]
    ended(client, job)
    lines = client.get(f"/v1/jobs/{job}/results").text.splitlines()  # of these, too
    found = [json.loads(line) for line in lines]
    assert [row["filename"] for row in found] == ["a\ufffdb.png", "c\ufffdd.png"]


def test_who_cancels_a_job_that_ends_just_then_keeps_its_results(
    client: TestClient, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = hold(monkeypatch)
    job = start(client, task, {"c.png": IMAGES["c.png"]})["id"]
    finish = JobStore.finish

    def late(self: JobStore, number: int, status: Status, error: str | None = None) -> bool:
        if status == "cancelled":
            go_on.set()
            ended(client, job)
        return finish(self, number, status, error)

    monkeypatch.setattr(JobStore, "finish", late)
    answer = client.delete(f"/v1/jobs/{job}")
    assert (answer.status_code, answer.json()["status"]) == (200, "done")
    assert len(rows(client, job)) == 1
    assert client.delete(f"/v1/jobs/{job}").status_code == 204


def test_lists_jobs_in_pages(client: TestClient, task: str) -> None:
    made = [start(client, task, {"c.png": IMAGES["c.png"]})["id"] for _ in range(3)]
    first = client.get("/v1/jobs?limit=2").json()
    second = client.get(f"/v1/jobs?limit=2&cursor={first['next_cursor']}").json()
    assert [one["id"] for one in first["items"] + second["items"]][:3] == made[::-1]


def test_a_job_whose_files_are_gone_fails_and_says_so(
    client: TestClient, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = hold(monkeypatch)
    first = start(client, task, {"c.png": IMAGES["c.png"]})["id"]
    job = start(client, task, {"c.png": IMAGES["c.png"]})["id"]
    (client.app.state.components.jobs.folder(job) / "classifier.json").unlink()
    go_on.set()
    assert ended(client, first)["status"] == "done"
    failed = ended(client, job)
    assert failed["status"] == "failed"
    assert "classifier.json" in failed["error"]


def hold(monkeypatch: pytest.MonkeyPatch, after: int = 0) -> threading.Event:
    """Let jobs wait before the answer after so many, until the event is set."""
    go_on = threading.Event()
    begun = 0
    answers_of = Classifier.answers

    def held(self: Classifier, *arguments: Any) -> Any:
        nonlocal begun
        if threading.current_thread().name.startswith("compute") and begun >= after:
            go_on.wait(30)
        begun += 1
        return answers_of(self, *arguments)

    monkeypatch.setattr(Classifier, "answers", held)
    return go_on
