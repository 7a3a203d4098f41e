"""Jobs that are held up by what may pass: they wait, but not for ever, and the others go on meanwhile."""

import errno
import sqlite3
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.background import job_failures, job_scoring, jobs
from service.background.job_scoring import Scoring
from service.background.jobs import Jobs
from service.computing.classifier import Classifier
from service.problems import Problem
from service.store.job_store import JobStore
from tests.service.made_images import drawing, zipped
from tests.service.tiny_service import ended, serving


def start(client: TestClient, images: int = 1) -> str:
    support = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
    task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
    content = zipped({f"{seed}.png": drawing(seed) for seed in range(images)})
    answer = client.post(f"/v1/tasks/{task}/jobs", files={"archive": ("i.zip", content)})
    return str(answer.json()["id"])


def test_a_job_on_a_full_disk_goes_on_once_there_is_room_and_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    commit = JobStore.commit_batch
    failures = iter([sqlite3.OperationalError("database or disk is full")] * 2)

    def full(store: JobStore, *given: Any) -> bool:
        for failure in failures:
            raise failure
        return commit(store, *given)

    monkeypatch.setattr("service.background.jobs._FULL_S", 0.02)
    monkeypatch.setattr(JobStore, "commit_batch", full)
    with serving(tmp_path) as client, caplog.at_level("WARNING", logger="metashot"):
        assert ended(client, start(client))["status"] == "done"
    told = [record for record in caplog.records if record.name == "metashot"]
    assert [record.message for record in told] == [
        "the disk of DATA_DIR is full; jobs go on once there is room"
    ] * 2
    assert not any(record.exc_info for record in told)


@pytest.mark.parametrize("shortage", [OSError(errno.EMFILE, "Too many open files"), MemoryError("no more")])
def test_a_shortage_that_passes_fails_no_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, shortage: Exception
) -> None:
    load, failures = job_scoring.load_pinned, iter([shortage] * 2)

    def short(folder: Path) -> Classifier:
        for failure in failures:
            raise failure
        return load(folder)

    monkeypatch.setattr(jobs, "_LOOK_S", 0.02)
    monkeypatch.setattr(job_scoring, "load_pinned", short)
    with serving(tmp_path) as client, caplog.at_level("WARNING", logger="metashot"):
        assert ended(client, start(client))["status"] == "done"
    told = [record for record in caplog.records if record.name == "metashot"]
    assert [record.message for record in told] == [
        f"jobs have to wait ({type(shortage).__name__}: {shortage}); trying again"
    ] * 2
    assert not any(record.exc_info for record in told)


@pytest.fixture
def may_begin(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """No job begins until this is set, and none is held up for long."""
    begin, score = threading.Event(), Jobs._score
    monkeypatch.setattr(Jobs, "_score", lambda jobs, job: (begin.wait(30), score(jobs, job)))
    monkeypatch.setattr(jobs, "_LOOK_S", 0.02)
    monkeypatch.setattr(job_failures, "_PATIENCE_S", 0.3)
    return begin


def test_a_shortage_that_does_not_pass_fails_its_job_in_the_end(
    tmp_path: Path, may_begin: threading.Event
) -> None:
    with serving(tmp_path) as client:
        held, sound = start(client), start(client)
        description = tmp_path / "jobs" / held / "classifier.json"
        description.unlink()
        description.mkdir()  # which can be read no more than a file that belongs to another user
        may_begin.set()
        assert ended(client, sound)["status"] == "done"
        state = ended(client, held)
    assert state["status"] == "failed"
    assert "Is a directory" in state["error"]
    assert str(tmp_path) not in state["error"]
    assert state["error"].endswith("start it again")


def test_patience_begins_anew_with_another_job_and_with_each_image(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(job_failures, "time", SimpleNamespace(monotonic=lambda: clock.now))
    patience = job_failures.Patience()

    def lasts(at: float, job: int, done: int, number: int = errno.EIO) -> bool:
        clock.now = at
        return patience.lasts(SimpleNamespace(number=job, done=done), OSError(number, "no"))

    assert [lasts(0, 1, 0), lasts(590, 1, 0), lasts(610, 1, 1), lasts(700, 2, 1)] == [True] * 4
    assert [lasts(1299, 2, 1), lasts(1300, 2, 1)] == [True, False]
    assert lasts(1300, 2, 1, errno.ENOSPC), "which holds up all jobs"
    assert not lasts(0, 3, 0, errno.ENOENT)


def test_why_a_job_failed_is_told_in_words() -> None:
    told = "the archive holds 6 files, 5 are allowed; split it"
    assert job_failures.failure(Problem(413, told)) == told
    assert "no memory" in job_failures.failure(MemoryError())


def test_a_job_that_gets_on_between_two_shortages_is_not_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, tries = Scoring.batch, list[int]()

    def short(self: Scoring, job: Any, done: int) -> Any:
        tries.append(done)
        if len(tries) == 1 or (done == 1 and tries.count(1) == 1):
            time.sleep(0.2 if done else 0.0)
            raise MemoryError
        return batch(self, job, done)

    monkeypatch.setattr(jobs, "_LOOK_S", 0.02)
    monkeypatch.setattr(job_failures, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(Scoring, "batch", short)
    with serving(tmp_path, job_batch=1) as client:
        assert ended(client, start(client, images=2))["status"] == "done"
    assert tries == [0, 0, 1, 1]


def test_while_a_job_is_held_up_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the turn is always its own, as it is the oldest and has the fewest images left."""
    load, begun, mended, held = job_scoring.load_pinned, threading.Event(), threading.Event(), ""

    def unreadable(folder: Path) -> Classifier:
        begun.wait(30)
        if folder.name == held and not mended.is_set():
            raise PermissionError(errno.EACCES, "Permission denied")
        return load(folder)

    monkeypatch.setattr(jobs, "_LOOK_S", 0.02)
    monkeypatch.setattr(job_scoring, "load_pinned", unreadable)
    with serving(tmp_path) as client:
        held, *others = [start(client, images) for images in (1, 3, 2)]
        begun.set()
        assert [ended(client, job)["status"] for job in others] == ["done"] * 2
        assert client.get(f"/v1/jobs/{held}").json()["status"] == "running"
        mended.set()
        assert ended(client, held)["status"] == "done"


def test_two_jobs_that_are_held_up_by_turns_both_fail_in_the_end(
    tmp_path: Path, may_begin: threading.Event
) -> None:
    with serving(tmp_path) as client:
        held = [start(client, images) for images in (3, 1)]  # the oldest, and the one with the fewest images left
        for job in held:
            description = tmp_path / "jobs" / job / "classifier.json"
            description.unlink()
            description.mkdir()
        may_begin.set()
        assert [ended(client, job)["status"] for job in held] == ["failed"] * 2
