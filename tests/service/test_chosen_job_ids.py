"""Jobs whose ids their callers choose: sent again, because no answer came, they are not begun twice."""

import errno
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from service.background import jobs
from service.store.job_store import JobStore
from tests.service.made_images import drawing, zipped
from tests.service.tiny_service import ended, serving, until

IMAGES = {"1.png": drawing(3), "2.png": drawing(4)}


@pytest.fixture
def task(client: TestClient) -> str:
    return made_task(client)


def made_task(client: TestClient) -> str:
    support = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
    return str(client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"])


def send(client: TestClient, task: str, job: str) -> httpx.Response:
    files = {"archive": ("i.zip", zipped(IMAGES))}
    return client.post(f"/v1/tasks/{task}/jobs", params={"id": job}, files=files)


def known(client: TestClient) -> list[str]:
    return [one["id"] for one in client.get("/v1/jobs?limit=500").json()["items"]]


def folders(client: TestClient) -> list[str]:
    root = client.app.state.components.jobs.folder("x").parent
    return [path.name for path in root.iterdir() if path.is_dir()]


def test_sent_twice_it_is_one_job(client: TestClient, task: str) -> None:
    job, before = uuid.uuid4().hex, len(folders(client))
    first, again = send(client, task, job), send(client, task, job)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"] == job
    assert again.headers["location"] == f"/v1/jobs/{job}"
    assert ended(client, job)["done"] == 2
    assert send(client, task, job).json()["status"] == "done"
    assert known(client).count(job) == 1
    assert len(folders(client)) == before + 1
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    assert send(client, task, job).json()["status"] in ("queued", "running"), "of the former one nothing is left"
    assert ended(client, job)["status"] == "done"


def test_sent_twice_at_once_it_is_one_job(client: TestClient, task: str) -> None:
    job, before = uuid.uuid4().hex, len(folders(client))
    with ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(lambda _: send(client, task, job), range(4)))
    assert {(one.status_code, one.json()["id"]) for one in answers} == {(202, job)}
    assert ended(client, job)["status"] == "done"
    assert known(client).count(job) == 1
    assert len(folders(client)) == before + 1


def test_an_id_of_another_tasks_job_is_refused(client: TestClient, task: str) -> None:
    support = [("support", (f"{seed}.png", drawing(seed))) for seed in (5, 6)]
    other = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
    job = uuid.uuid4().hex
    assert send(client, task, job).status_code == 202
    before = len(folders(client))
    refused = send(client, other, job)
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert "choose another" in refused.json()["detail"]
    assert len(folders(client)) == before


@pytest.mark.parametrize("job", ["x", "A" * 32, "../" + "a" * 29, "a" * 33, ""])
def test_what_is_no_id_is_refused(client: TestClient, task: str, job: str) -> None:
    refused = send(client, task, job)
    assert (refused.status_code, refused.json()["field"]) == (422, "id")


def test_what_a_process_left_that_was_killed_is_replaced(client: TestClient, task: str) -> None:
    job = uuid.uuid4().hex
    folder = client.app.state.components.jobs.folder(job)
    folder.mkdir()
    (folder / "input.zip").write_bytes(b"half")
    assert send(client, task, job).status_code == 202
    assert ended(client, job)["status"] == "done"


def test_the_id_of_a_job_whose_deletion_was_cut_short_is_free(
    client: TestClient, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a process that is killed: nothing tidies up for an hour, but the deletion is as good as done."""
    job, before = uuid.uuid4().hex, folders(client)
    assert send(client, task, job).status_code == 202
    first = ended(client, job)
    with monkeypatch.context() as patch:
        patch.setattr(JobStore, "delete_hidden", lambda *_: 1 // 0)
        assert client.delete(f"/v1/jobs/{job}").status_code == 500
    assert client.get(f"/v1/jobs/{job}").status_code == 404
    again = send(client, made_task(client), job)
    assert (again.status_code, again.json()["done"]) == (202, 0)
    second = ended(client, job)
    assert (second["status"], second["task_id"] != first["task_id"]) == ("done", True)
    assert len(client.get(f"/v1/jobs/{job}/results").text.splitlines()) == 2
    assert sorted(folders(client)) == sorted([*before, job])


def test_whoever_deletes_a_job_leaves_the_files_of_one_that_takes_its_id_meanwhile(
    client: TestClient, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = uuid.uuid4().hex
    assert send(client, task, job).status_code == 202
    ended(client, job)
    delete, sent = JobStore.delete_hidden, list[int]()

    def late(store: JobStore, number: int) -> None:
        if not sent:
            sent.append(number)
            assert send(client, task, job).status_code == 202
        delete(store, number)

    monkeypatch.setattr(JobStore, "delete_hidden", late)
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    assert ended(client, job)["status"] == "done"
    assert client.get(f"/v1/jobs/{job}/results?format=csv").status_code == 200


def test_sent_to_two_processes_at_once_the_later_leaves_the_files_of_the_earlier_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, in_place, may_go_on = uuid.uuid4().hex, threading.Event(), threading.Event()
    sync, put = jobs.sync_folder, list[int]()

    def waiting(folder: Path) -> None:
        put.append((folder / job).stat().st_ino)
        in_place.set()
        may_go_on.wait(30)
        sync(folder)

    with serving(tmp_path) as one, serving(tmp_path) as other, ThreadPoolExecutor(2) as callers:
        task = made_task(one)
        monkeypatch.setattr(jobs, "sync_folder", waiting)
        earlier = callers.submit(send, one, task, job)
        assert in_place.wait(30)
        later = callers.submit(send, other, task, job)
        until(lambda: len(folders(other)) == 2)
        time.sleep(0.2)
        may_go_on.set()
        assert [each.result().status_code for each in (earlier, later)] == [202, 202]
        assert ended(one, job)["status"] == "done"
        assert folders(one) == [job]
        assert put == [(tmp_path / "jobs" / job).stat().st_ino]


def test_what_could_not_be_queued_leaves_nothing(
    client: TestClient, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = folders(client)
    monkeypatch.setattr(jobs, "sync_folder", full)
    assert send(client, task, uuid.uuid4().hex).status_code == 507
    assert folders(client) == before
