"""Jobs take turns: a small one need not wait for a large one, and no large one waits for ever."""

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.background import batch_scoring, job_scoring
from service.background.job_scoring import Scoring
from service.store.job_store import Job, JobStore
from tests.service.made_images import drawing, zipped
from tests.service.tiny_service import LIKE_PHOTOS, TINY, ended, progressed, save_like_photos, serving, until


@dataclass
class Turns:
    """Whose batches, each of one image and a turn of its own, were committed; the first may have to wait."""

    of: list[str] = field(default_factory=list)
    may_go_on: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    noted, ids = Turns(), dict[int, str]()
    commit, start_next = JobStore.commit_batch, JobStore.start_next

    def started(store: JobStore, **given: Any) -> Job | None:
        job = start_next(store, **given)
        if job is not None:
            ids[job.number] = job.id
        return job

    def committed(store: JobStore, number: int, done: int, rows: list[dict[str, Any]]) -> bool:
        noted.may_go_on.wait(30)
        noted.of.append(ids[number])
        return commit(store, number, done, rows)

    monkeypatch.setattr("service.background.jobs._TURN_S", 0.0)
    monkeypatch.setattr(JobStore, "start_next", started)
    monkeypatch.setattr(JobStore, "commit_batch", committed)
    return noted


def made_task(client: TestClient, model: str = TINY, seed: int = 1) -> str:
    support = [("support", (f"{one}.png", drawing(one))) for one in (seed, seed + 1)]
    return str(client.post("/v1/tasks", files=support, data={"labels": ["a", "b"], "model": model}).json()["id"])


def start(client: TestClient, task: str, images: int, chosen: str | None = None) -> str:
    content = zipped({f"{seed:03}.png": drawing(seed) for seed in range(images)})
    named = {} if chosen is None else {"id": chosen}
    answer = client.post(f"/v1/tasks/{task}/jobs", params=named, files={"archive": ("i.zip", content)})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def rows(client: TestClient, job: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.get(f"/v1/jobs/{job}/results").text.splitlines()]


def test_a_small_job_does_not_wait_for_a_large_one_nor_stops_it(tmp_path: Path, turns: Turns) -> None:
    with serving(tmp_path, job_batch=1) as client:
        task = made_task(client)
        large, small = start(client, task, 20), start(client, task, 4)
        turns.may_go_on.set()
        assert ended(client, small)["status"] == ended(client, large)["status"] == "done"
        assert [row["filename"] for row in rows(client, large)] == [f"{seed:03}.png" for seed in range(20)]
    last = len(turns.of) - turns.of[::-1].index(small)
    assert last <= 10, "a turn of the one, a turn of the other"
    assert turns.of[:last].count(large) >= 3


def test_of_jobs_alike_the_first_is_done_first(tmp_path: Path, turns: Turns) -> None:
    """As none of them would be done sooner if they all went on at once, and the first would be done later."""
    with serving(tmp_path, job_batch=1) as client:
        task = made_task(client)
        made = [start(client, task, 3) for _ in range(3)]
        assert client.get(f"/v1/jobs/{made[2]}").json()["status"] == "queued"
        turns.may_go_on.set()
        for job in made:
            ended(client, job)
    assert turns.of == [job for job in made for _ in range(3)]


def test_answers_are_those_of_each_job_alone(tmp_path: Path, turns: Turns) -> None:
    save_like_photos(tmp_path / "initializations" / LIKE_PHOTOS)
    with serving(tmp_path, job_batch=1) as client:
        tasks = [made_task(client, TINY, 1), made_task(client, LIKE_PHOTOS, 3), made_task(client, TINY, 5)]
        made = [start(client, task, images) for task, images in zip(tasks, (9, 6, 3), strict=True)]
        turns.may_go_on.set()
        for task, job in zip(tasks, made, strict=True):
            assert ended(client, job)["status"] == "done"
            scored = rows(client, job)
            files = [("query", (row["filename"], drawing(seed))) for seed, row in enumerate(scored)]
            direct = client.post(f"/v1/tasks/{task}/classify", files=files).json()["predictions"]
            assert scored == direct
    assert turns.of != sorted(turns.of, key=made.index), "else they took no turns"


def test_jobs_that_have_begun_go_on_after_a_restart(tmp_path: Path, turns: Turns) -> None:
    turns.may_go_on.set()
    with serving(tmp_path, job_batch=1) as client:
        task = made_task(client)
        large = start(client, task, 300)
        other = start(client, task, 200)
        progressed(client, other, 1)
        assert [client.get(f"/v1/jobs/{job}").json()["status"] for job in (large, other)] == ["running"] * 2
    with serving(tmp_path, job_batch=50) as client:
        for job, images in ((large, 300), (other, 200)):
            state = ended(client, job)
            assert (state["status"], state["done"]) == ("done", images)
            assert [row["filename"] for row in rows(client, job)] == [f"{seed:03}.png" for seed in range(images)]


@pytest.mark.parametrize("deleted", [False, True])
def test_nothing_of_a_job_that_ends_between_its_turns_is_held(
    tmp_path: Path, turns: Turns, monkeypatch: pytest.MonkeyPatch, deleted: bool
) -> None:
    """Or else its images would go on taking up room on the disk."""
    closed = noted_closings(monkeypatch)
    turns.may_go_on.set()
    with serving(tmp_path, job_batch=1) as client:
        task = made_task(client)
        large, other = start(client, task, 400), start(client, task, 300)
        numbers = [client.app.state.components.jobs.store.job(job).number for job in (large, other)]
        progressed(client, other, 1)
        for _ in range(1 + deleted):
            client.delete(f"/v1/jobs/{other}")
        until(lambda: numbers[1] in closed())
        assert client.get(f"/v1/jobs/{large}").json()["status"] == "running"
        client.delete(f"/v1/jobs/{large}")
        until(lambda: numbers[0] in closed())


def test_a_job_that_takes_the_id_of_a_deleted_one_gets_none_of_its_answers(
    tmp_path: Path, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a program cancels and deletes its job and sends it again, by another task, while a turn runs."""
    scored = threading.Event()
    batch = Scoring.batch

    def noted(self: Scoring, *given: Any) -> Any:
        found = batch(self, *given)
        scored.set()
        return found

    monkeypatch.setattr(Scoring, "batch", noted)
    with serving(tmp_path, job_batch=1) as client:
        tasks, chosen = [made_task(client, seed=1), made_task(client, seed=5)], uuid.uuid4().hex
        start(client, tasks[0], 6, chosen)
        assert scored.wait(30)
        for status in (200, 204):
            assert client.delete(f"/v1/jobs/{chosen}").status_code == status
        start(client, tasks[1], 9, chosen)
        turns.may_go_on.set()
        state = ended(client, chosen)
        assert (state["status"], state["done"]) == ("done", 9)
        files = [("query", (f"{seed:03}.png", drawing(seed))) for seed in range(9)]
        direct = client.post(f"/v1/tasks/{tasks[1]}/classify", files=files).json()["predictions"]
        assert rows(client, chosen) == direct


def test_few_are_open_at_once_and_none_is_opened_for_each_of_its_turns(
    tmp_path: Path, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, classifier = 0, Scoring._classifier
    opened: list[str] = []
    monkeypatch.setattr(job_scoring, "_MOST_OPEN", 2)

    def noted(self: Scoring, job: Any) -> Any:
        nonlocal most
        opened.append(job.id)
        most = max(most, len(self._open) + 1)
        return classifier(self, job)

    monkeypatch.setattr(Scoring, "_classifier", noted)
    with serving(tmp_path, job_batch=1) as client:
        task = made_task(client)
        made = [start(client, task, 20)]
        until(lambda: opened == made)
        made += [start(client, task, images) for images in (9, 3, 3)]
        turns.may_go_on.set()
        for job in made:
            assert ended(client, job)["status"] == "done"
    assert most == 2
    assert sorted(opened) == sorted(made)


def noted_closings(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    closed: list[int] = []
    close = Scoring.close

    def noted(self: Scoring, number: int) -> None:
        if number in self._open:
            closed.append(number)
        close(self, number)

    monkeypatch.setattr(Scoring, "close", noted)
    return lambda: closed


def sizes(monkeypatch: pytest.MonkeyPatch, owner: Any, step: str, place: int) -> list[int]:
    """Note the length of what a step is given."""
    found, intact = list[int](), getattr(owner, step)

    def noted(*given: Any) -> Any:
        found.append(len(given[place]))
        return intact(*given)

    monkeypatch.setattr(owner, step, noted)
    return found


@pytest.mark.parametrize("fails_together", [False, True])
def test_a_batch_that_takes_long_ends_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_together: bool
) -> None:
    intact = batch_scoring.rows_of

    def slow(classifier: Any, images: list[Any], max_pixels: int) -> Any:
        if fails_together and len(images) > 1:
            raise MemoryError
        time.sleep(0.02 * len(images))
        return intact(classifier, images, max_pixels)

    monkeypatch.setattr(batch_scoring, "_LONG_S", 0.03)
    monkeypatch.setattr(batch_scoring, "_IN_TURN", 2)
    monkeypatch.setattr(batch_scoring, "rows_of", slow)
    committed = sizes(monkeypatch, JobStore, "commit_batch", 3)
    with serving(tmp_path, job_batch=64) as client:
        job = start(client, made_task(client), 30)
        assert ended(client, job)["done"] == 30
        assert [row["filename"] for row in rows(client, job)] == [f"{seed:03}.png" for seed in range(30)]
    assert sum(committed) == 30
    assert min(committed) > 0
    assert max(committed) < 30


def test_large_files_are_pieces_of_work_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As callers wait for the piece at hand."""
    monkeypatch.setattr(batch_scoring, "_SHORT_BYTES", 3 * max(len(drawing(seed)) for seed in range(7)))
    pieces = sizes(monkeypatch, batch_scoring, "rows_of", 1)
    large = drawing(8, side=400)
    assert len(large) > batch_scoring._SHORT_BYTES
    files = {f"{seed}.png": drawing(seed) for seed in range(7)}
    with serving(tmp_path, compute_threads=1) as client:
        content = zipped({"a.png": large, **files, "b.png": large, "c.png": large})
        task = made_task(client)
        job = client.post(f"/v1/tasks/{task}/jobs", files={"archive": ("i.zip", content)}).json()["id"]
        assert ended(client, job)["done"] == 10
        assert [row["filename"] for row in rows(client, job)] == ["a.png", *files, "b.png", "c.png"]
    assert pieces[0] == 1
    assert pieces[-2:] == [1, 1]
    assert max(pieces) in (3, 4, 5, 6)
