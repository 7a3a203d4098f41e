"""A task whose initialization was replaced by another of the same name, or got another name."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import INITIALIZATIONS, Settings
from service.store.task_store import TaskStore
from tests.made_confidence import constant_confidence
from tests.service.made_images import drawing
from tests.service.tiny_service import TINY, save_tiny, serving


def test_the_task_tells_what_now_answers_for_it(tmp_path: Path) -> None:
    support = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
    with serving(tmp_path) as client:
        made = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()
    confidence = constant_confidence(by_means=(0.6, 0.5, 0.7))
    replaced = save_tiny(tmp_path / INITIALIZATIONS / TINY, seed=1, confidence=confidence)

    def asked(client: TestClient) -> tuple[dict[str, Any], dict[str, Any]]:
        """The estimate with an answer, and the one that the task itself tells from then on."""
        answer = client.post(f"/v1/tasks/{made['id']}/classify", files={"query": ("q.png", drawing(3))}).json()
        told = client.get(f"/v1/tasks/{made['id']}").json()
        assert (told["model"], told["version"]) == (TINY, 1)
        return answer["estimate"], told["estimate"]

    for _ in range(2):  # again after a restart
        with TestClient(create_app(Settings(data_dir=tmp_path))) as client:
            assert asked(client) == ({"accuracy": 0.6, "low": 0.5, "high": 0.7},) * 2 != (made["estimate"],) * 2
            assert client.app.state.components.tasks.version(made["id"]).model_version == replaced.version


def test_an_answer_does_not_wait_for_a_disk_with_room_to_note_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OperationalError("", {}, Exception("database or disk is full"))

    support = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
    with serving(tmp_path) as client:
        task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
    save_tiny(tmp_path / INITIALIZATIONS / TINY, seed=1)
    monkeypatch.setattr(TaskStore, "refitted", full)
    with TestClient(create_app(Settings(data_dir=tmp_path))) as client:
        answer = client.post(f"/v1/tasks/{task}/classify", files={"query": ("q.png", drawing(3))})
    assert answer.status_code == 200


def test_a_task_is_asked_by_the_name_that_it_tells(tmp_path: Path) -> None:
    """Also where its initialization is on offer by another one by now, as answers then say."""
    support = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
    folder = tmp_path / INITIALIZATIONS
    with serving(tmp_path) as client:
        task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
    (folder / TINY).rename(folder / "renamed")
    with TestClient(create_app(Settings(data_dir=tmp_path))) as client:
        assert client.get(f"/v1/tasks/{task}").json()["model"] == TINY
        for name, taken in ((TINY, True), ("renamed", False)):
            asked = {"files": {"query": ("q.png", drawing(3))}, "data": {"model": name}}
            statuses = [
                client.post(f"/v1/tasks/{task}/{what}", **asked).status_code for what in ("classify", "jobs")
            ]
            assert statuses == ([200, 202] if taken else [422, 422]), name
