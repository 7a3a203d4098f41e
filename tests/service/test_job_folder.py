"""What lies in jobs' folders: no more than is needed, and where some of it is lost, no other job suffers."""

import asyncio
import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Request
from starlette.testclient import TestClient
from starlette.types import Message

from service.background import job_folders, jobs
from service.background.jobs import Jobs
from service.components import Components
from service.settings import JOBS, JOBS_LOCK
from service.store.job_store import JobStore
from tests.service.made_images import drawing, zipped
from tests.service.tiny_service import ended, serving, until


def start(client: TestClient, field: str) -> str:
    support = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
    task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
    content = zipped({"1.png": drawing(3)}) if field == "archive" else drawing(3)
    return str(client.post(f"/v1/tasks/{task}/jobs", files={field: ("1.png", content)}).json()["id"])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_lost_folder_fails_its_job_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_begin = threading.Event()
    score = Jobs._score
    monkeypatch.setattr(Jobs, "_score", lambda jobs, job: (may_begin.wait(30), score(jobs, job)))
    with serving(tmp_path) as client:
        lost, sound = start(client, "archive"), start(client, "archive")
        shutil.rmtree(tmp_path / "jobs" / lost)
        may_begin.set()
        assert ended(client, sound)["status"] == "done"
        state = client.get(f"/v1/jobs/{lost}").json()
        assert state["status"] == "failed"
        assert "No such file" in state["error"]
        for kind in ("jsonl", "csv", "parquet"):
            assert client.get(f"/v1/jobs/{lost}/results", params={"format": kind}).status_code == 200


@pytest.mark.parametrize("field", ["archive", "query"])
def test_of_an_ended_job_its_description_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    may_begin, scored = threading.Event(), threading.Event()
    score = Jobs._score
    monkeypatch.setattr(Jobs, "_score", lambda jobs, job: (may_begin.wait(30), score(jobs, job), scored.set()))
    with serving(tmp_path) as client:
        job = start(client, field)
        assert len(names(tmp_path / "jobs" / job)) == 3
        may_begin.set()
        assert scored.wait(10)
        assert names(tmp_path / "jobs" / job) == ["classifier.json"]
        csv = client.get(f"/v1/jobs/{job}/results", params={"format": "csv"}).text
        assert "probability of a,probability of b" in csv


@pytest.mark.parametrize("field", ["archive", "query"])
def test_before_a_job_is_told_of_all_that_it_needs_has_reached_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    fsync, create = os.fsync, JobStore.create
    flushed: set[int] = set()
    needed: dict[str, bool] = {}

    def noted(descriptor: int) -> None:
        flushed.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def created(store: JobStore, job_id: str, *, place: Callable[[], None], **given: Any) -> Any:
        def placed() -> None:
            place()
            folder = tmp_path / "jobs" / job_id
            for path in (folder.parent, folder, *folder.iterdir()):
                needed[path.name] = path.stat().st_ino in flushed

        return create(store, job_id, place=placed, **given)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(JobStore, "create", created)
    with serving(tmp_path) as client:
        ended(client, start(client, field))
    assert len(needed) == 5, "both folders, the images and the classifier's two files"
    assert [name for name, reached in needed.items() if not reached] == []


def test_a_job_that_is_cancelled_while_it_waits_keeps_no_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobStore, "start_next", lambda *_, **__: None)
    with serving(tmp_path) as client:
        job = start(client, "archive")
        assert client.delete(f"/v1/jobs/{job}").json()["status"] == "cancelled"
        assert names(tmp_path / "jobs" / job) == ["classifier.json"]


def test_what_a_killed_process_left_goes_and_what_is_unfinished_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(JobStore, "start_next", lambda *_, **__: None)
        with serving(tmp_path) as client:
            done, waiting = start(client, "archive"), start(client, "archive")
            store = client.app.state.components.jobs.store
            store.finish(store.job(done).number, "done")
            whole = names(tmp_path / "jobs" / waiting)
            assert names(tmp_path / "jobs" / done) == whole
    for name in ("old", "young"):
        (tmp_path / "jobs" / name).mkdir()
    for name in ("old", waiting):  # others came before it, which took hours
        os.utime(tmp_path / "jobs" / name, (0, 0))

    begun = threading.Event()
    monkeypatch.setattr(JobStore, "start_next", lambda *_, **__: begun.set())
    with serving(tmp_path):
        assert begun.wait(10)
        assert names(tmp_path / "jobs" / done) == ["classifier.json"]
        assert names(tmp_path / "jobs" / waiting) == whole
        assert not (tmp_path / "jobs" / "old").exists()
        assert (tmp_path / "jobs" / "young").exists()


def test_what_another_process_leaves_goes_while_this_one_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_TIDY_S", 0.02)
    monkeypatch.setattr(jobs, "_LOOK_S", 0.02)
    upload_s = 60.0
    with serving(tmp_path, upload_s=upload_s) as client:
        assert ended(client, start(client, "archive"))["status"] == "done"
        longest = upload_s + jobs._ORPHAN_S
        for name, age in (("arriving", longest - 60), ("left", longest + 60)):
            (tmp_path / "jobs" / name).mkdir()
            os.utime(tmp_path / "jobs" / name, (0, time.time() - age))
        until = time.monotonic() + 30
        while (tmp_path / "jobs" / "left").exists() and time.monotonic() < until:
            time.sleep(0.02)
        left = {one.name for one in (tmp_path / "jobs").iterdir()}
        assert "arriving" in left
        assert "left" not in left


def test_a_store_out_of_reach_and_a_folder_that_vanishes_stop_no_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = JobStore.statuses
    failures = iter([OSError("out of reach")])

    def failing(store: JobStore) -> dict[str, str]:
        for failure in failures:
            raise failure
        return statuses(store)

    monkeypatch.setattr("service.background.jobs._LOOK_S", 0.02)
    monkeypatch.setattr(JobStore, "statuses", failing)
    stat = Path.stat

    def vanishing(path: Path, **given: bool) -> os.stat_result:
        if path.name == "vanishes":
            raise FileNotFoundError(path)
        return stat(path, **given)

    monkeypatch.setattr(Path, "stat", vanishing)
    (tmp_path / "jobs" / "vanishes").mkdir(parents=True)
    with serving(tmp_path) as client:
        assert ended(client, start(client, "archive"))["status"] == "done"


def test_a_request_that_is_given_up_while_its_job_is_queued_takes_no_files_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, created = threading.Event(), threading.Event(), threading.Event()
    create = JobStore.create

    def slow(*given: Any, **named: Any) -> Any:
        begun.set()
        go_on.wait(30)
        job = create(*given, **named)
        created.set()
        return job

    async def give_up(components: Components, task: str) -> None:
        body, kind = encode_form({"query": ("1.png", drawing(3))})

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        headers = [(b"content-type", kind.encode())]
        request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
        classifier = await components.classifiers.of_task(task)
        taking = asyncio.create_task(components.jobs.take(request, components.tasks.version(task), classifier))
        await asyncio.to_thread(begun.wait, 30)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        go_on.set()
        await asyncio.to_thread(created.wait, 30)

    with serving(tmp_path) as client:
        first = client.get(f"/v1/jobs/{start(client, 'query')}").json()
        assert ended(client, first["id"])["status"] == "done"
        monkeypatch.setattr(JobStore, "create", slow)
        asyncio.run(give_up(client.app.state.components, first["task_id"]))
        newest = client.get("/v1/jobs").json()["items"][0]["id"]
        assert newest != first["id"]
        assert ended(client, newest)["status"] == "done"


def encode_form(files: dict[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    request = httpx.Request("POST", "http://testserver", files=files)
    return request.read(), request.headers["content-type"]


def test_jobs_wait_while_another_process_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[bool] = []
    monkeypatch.setattr(jobs, "locked", lambda lock: looks.append(job_folders.locked(lock)) or looks[-1])
    monkeypatch.setattr(jobs, "_LOOK_S", 0.01)
    (tmp_path / JOBS).mkdir()
    with (tmp_path / JOBS / JOBS_LOCK).open("w") as of_another:
        assert job_folders.locked(of_another)
        with serving(tmp_path) as client:
            try:
                job = start(client, "archive")
                until(lambda: len(looks) > 2)  # rather than one long wait, which could not be stopped
                assert client.get(f"/v1/jobs/{job}").json()["status"] == "queued"
            finally:
                fcntl.flock(of_another, fcntl.LOCK_UN)
            assert ended(client, job)["status"] == "done"
            until(lambda: not client.app.state.components.jobs._wake.is_set())  # the thread rests again
    assert looks[-2:] == [False, True]


def test_what_has_been_removed_already_is_no_news(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "x").mkdir()
    job_folders.tidy(tmp_path, {"x": "done"}, oldest_s=0)
    assert caplog.records == []
