"""Who asks about one small image while nobody else is there is answered without another thread."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.computing import preparation
from service.computing.classifiers import Classifiers
from service.computing.engine import Deadline, Engine
from tests.service.made_images import drawing
from tests.service.tiny_service import serving

LARGE = 300  # pixels of a side


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with serving(tmp_path, compute_threads=1, deadline_s=0.3) as client:
        yield client


def asked(client: TestClient, task: str, *queries: bytes) -> int:
    files = [("query", (f"{place}.png", content)) for place, content in enumerate(queries)]
    return client.post(f"/v1/tasks/{task}/classify", files=files).status_code


def test_only_a_small_question_of_a_lone_caller_needs_no_thread(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    support = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
    task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
    classifiers: Classifiers = client.app.state.components.classifiers
    release = threading.Event()
    busy = classifiers._engine.submit(lambda: release.wait(20))
    try:
        assert asked(client, task, drawing(3)) == 200
        assert asked(client, task, b"no image") == 422
        assert asked(client, task, drawing(3), drawing(4)) == 504
        assert asked(client, task, drawing(3, side=LARGE)) == 504
        assert asked(client, task, drawing(3) + bytes(200_000)) == 504
        with monkeypatch.context() as patch:
            patch.setattr(preparation, "_FEW_OPERATIONS", 0)  # a large network
            assert asked(client, task, drawing(3)) == 504
        classifiers._metrics.being_answered += 1  # another caller
        assert asked(client, task, drawing(3)) == 504
    finally:
        release.set()
    assert busy.result()
    assert asked(client, task, drawing(3)) == 200


def test_a_task_that_is_not_in_memory_is_answered_within_one_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as client:
        support = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
        task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
    deadlines: list[float] = []
    begin = Deadline.__init__

    def watched(self: Deadline, seconds: float) -> None:
        deadlines.append(seconds)
        begin(self, seconds)

    monkeypatch.setattr(Deadline, "__init__", watched)
    with serving(tmp_path) as client:
        assert asked(client, task, drawing(3)) == 200
    assert len(deadlines) == 1


def test_many_images_are_work_for_the_thread_of_large_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, seen = Engine.submit, []

    def noted(engine: Engine, work: Any, *, large: bool = False) -> Any:
        seen.append(large)
        return submit(engine, work, large=large)

    def pieces(path: str, queries: int = 0, **labels: int) -> list[bool]:
        """Which pieces of a request's work are large."""
        seen.clear()
        named = [label for label, number in labels.items() for _ in range(number)]
        support = [("support", (f"{seed}.png", drawing(seed))) for seed in range(len(named))]
        asked = [("query", (f"{seed}.png", drawing(seed))) for seed in range(queries)]
        answer = client.post(f"/v1{path}", files=support + asked, data={"labels": named})
        assert answer.status_code in (200, 201)
        return list(seen)

    monkeypatch.setattr(Engine, "submit", noted)
    monkeypatch.setattr(preparation, "MANY_IMAGES", 2)
    with serving(tmp_path) as client:
        assert pieces("/classify", 1, a=1, b=1) == [True, False, True]  # preparing, fitting, answering
        assert pieces("/tasks", a=1, b=1) == [False, False]
        assert pieces("/tasks", a=2, b=1) == [True, False]
        task = client.get("/v1/tasks").json()["items"][0]["id"]
        assert pieces(f"/tasks/{task}/classify", 2) == [False]
        assert pieces(f"/tasks/{task}/classify", 3) == [True]
        assert pieces(f"/tasks/{task}/examples", a=1, b=1) == [False, False, False]  # choosing the model first
        assert pieces(f"/tasks/{task}/examples", a=2, b=1) == [True, True, False]
        monkeypatch.setattr(preparation, "_MANY_BYTES", 100)
        assert pieces("/tasks", a=1, b=1) == [True, False]
