"""While others keep the store's lock for too long, callers are told to come again."""

import sqlite3
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.store import database
from tests.service.made_images import drawing
from tests.service.tiny_service import serving

SUPPORT = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]


def create(client: TestClient) -> "tuple[int, str, str | None]":
    answer = client.post("/v1/tasks", files=SUPPORT, data={"labels": ["a", "b"]})
    return answer.status_code, answer.headers["content-type"], answer.headers.get("retry-after")


def test_a_lock_that_is_held_for_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_MS", 20)
    with serving(tmp_path) as client:
        other = sqlite3.connect(tmp_path / database.FILE)
        other.execute("BEGIN IMMEDIATE")
        assert create(client) == (503, "application/problem+json", "5")
        other.rollback()
        assert create(client)[0] == 201


def test_what_waiting_does_not_mend_stays_unexpected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path) as client:
        tasks = client.app.state.components.tasks  # type: ignore[attr-defined]
        failure = sqlite3.OperationalError("database or disk is full")

        def full(*_: object) -> None:
            raise failure

        monkeypatch.setattr(type(tasks), "create", full)
        assert create(client) == (500, "application/problem+json", None)
