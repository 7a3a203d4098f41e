"""Who asks about one small image while nobody else is there is answered without another thread."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.computing.classifiers import Classifiers
from service.computing.engine import Deadline
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


def test_only_a_small_question_of_a_lone_caller_needs_no_thread(client: TestClient) -> None:
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
