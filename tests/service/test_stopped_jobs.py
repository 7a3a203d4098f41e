"""A job that is stopped in the middle: of a batch, or while its images arrive."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from starlette.types import Message

from service.components import Components
from service.computing.classifier import Classifier
from service.store.job_store import JobStore
from tests.service.made_images import drawing, zipped
from tests.service.tiny_service import ended, serving

NAMES = [f"{seed}.png" for seed in range(6)]


def test_of_a_batch_that_was_cut_short_nothing_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    answers_of, commit = Classifier.answers, JobStore.commit_batch
    committed: list[int] = []

    def held(*given: Any) -> Any:
        begun.set()
        go_on.wait(30)
        return answers_of(*given)

    def noted(store: JobStore, number: int, done: int, rows: list[dict[str, Any]]) -> bool:
        assert rows, "a batch of nothing would come again and again"
        committed.append(len(rows))
        return commit(store, number, done, rows)

    monkeypatch.setattr("service.background.batch_scoring._IN_TURN", 1)
    monkeypatch.setattr(Classifier, "answers", held)
    monkeypatch.setattr(JobStore, "commit_batch", noted)
    with serving(tmp_path, compute_threads=1) as client:
        support = [("support", (f"{seed}.png", drawing(seed))) for seed in (7, 8)]
        task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
        images = zipped({name: drawing(seed) for seed, name in enumerate(NAMES)})
        job = client.post(f"/v1/tasks/{task}/jobs", files={"archive": ("i.zip", images)}).json()["id"]
        assert begun.wait(30)
        client.app.state.components.jobs._stopping.set()
        go_on.set()
    assert committed == []
    with serving(tmp_path) as client:
        state = ended(client, job)
        rows = client.get(f"/v1/jobs/{job}/results").text.splitlines()
    assert (state["status"], committed) == ("done", [6])
    assert [json.loads(row)["filename"] for row in rows] == NAMES


def test_a_request_that_is_given_up_while_its_images_arrive_leaves_nothing(tmp_path: Path) -> None:
    async def give_up(components: Components, task: str) -> None:
        arriving = asyncio.Event()

        async def receive() -> Message:
            assert any(path.is_dir() for path in (tmp_path / "jobs").iterdir())
            arriving.set()
            await asyncio.Event().wait()
            raise AssertionError

        headers = [(b"content-type", b"multipart/form-data; boundary=x")]
        request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
        classifier = await components.classifiers.of_task(task)
        taking = asyncio.create_task(components.jobs.take(request, components.tasks.version(task), classifier))
        await arriving.wait()
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking

    with serving(tmp_path) as client:
        support = [("support", (f"{seed}.png", drawing(seed))) for seed in (7, 8)]
        task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
        asyncio.run(give_up(client.app.state.components, task))
        assert not any(path.is_dir() for path in (tmp_path / "jobs").iterdir())
