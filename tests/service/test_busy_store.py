"""While others keep the store's lock for too long, callers are told to come again; of a full disk they hear."""

import errno
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


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (sqlite3.OperationalError("database or disk is full"), 507),
        (OSError(errno.ENOSPC, "No space left on device"), 507),
        (sqlite3.OperationalError("no such table: tasks"), 500),
        (OSError(errno.EIO, "Input/output error"), 500),
    ],
)
def test_what_waiting_does_not_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int
) -> None:
    with serving(tmp_path) as client:
        tasks = client.app.state.components.tasks

        def failing(*_: object) -> None:
            raise failure

        monkeypatch.setattr(type(tasks), "create", failing)
        assert create(client) == (status, "application/problem+json", None)
