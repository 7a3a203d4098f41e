"""While others keep the store's lock for too long, callers are told to come again; of a full disk they hear."""

import asyncio
import errno
import gc
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.testclient import TestClient

from service.problems import Problem
from service.store import writers
from service.store.database import FILE, Database
from tests.service.made_images import drawing
from tests.service.tiny_service import serving, until

SUPPORT = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]


def create(client: TestClient) -> "tuple[int, str, str | None]":
    answer = client.post("/v1/tasks", files=SUPPORT, data={"labels": ["a", "b"]})
    return answer.status_code, answer.headers["content-type"], answer.headers.get("retry-after")


def test_a_lock_that_is_held_for_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.store.database._BUSY_MS", 20)
    with serving(tmp_path) as client:
        other = sqlite3.connect(tmp_path / FILE)
        other.execute("BEGIN IMMEDIATE")
        assert create(client) == (503, "application/problem+json", "5")
        other.rollback()
        assert create(client)[0] == 201


def test_between_what_a_change_reads_and_what_it_writes_nobody_else_writes(
    database: Database, tmp_path: Path
) -> None:
    with database.writing() as session, closing(sqlite3.connect(tmp_path / FILE, timeout=0)) as other:
        session.execute(text("SELECT number FROM tasks"))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


def test_those_who_read_do_not_wait_for_those_who_wait_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another process keeps the lock, more callers want to write than there are threads or connections."""
    monkeypatch.setattr(writers, "_WAIT_S", 2)
    with serving(tmp_path) as client, ThreadPoolExecutor(60) as callers:
        task = client.post("/v1/tasks", files=SUPPORT, data={"labels": ["a", "b"]}).json()["id"]
        other = sqlite3.connect(tmp_path / FILE)
        other.execute("BEGIN IMMEDIATE")
        deletions = [callers.submit(client.delete, "/v1/tasks/nothing") for _ in range(60)]
        waited: set[Future[Any]] = set()

        def others_read_until_all_have_waited() -> bool:
            nonlocal waited
            for path in (f"/v1/tasks/{task}", "/v1/tasks", "/v1/jobs", "/metrics", "/", "/page/main.js"):
                assert client.get(path).status_code == 200
            waited = {one for one in deletions if one.done()}
            return len(waited) == 60 - writers.AT_ONCE

        until(others_read_until_all_have_waited)
        other.rollback()
    answers = {one: one.result() for one in deletions}
    assert all(answers[one].headers["retry-after"] == "5" for one in waited)
    assert [answers[one].status_code for one in deletions].count(404) == writers.AT_ONCE
    assert [answers[one].status_code for one in waited] == [503] * len(waited)


async def leave(store: writers.Writers, change: Callable[[], None], begun: threading.Event) -> None:
    """Ask for a change, and leave once it has begun."""
    caller = asyncio.create_task(store.run(change))
    await asyncio.to_thread(begun.wait)
    caller.cancel()
    await asyncio.wait([caller])
    assert caller.cancelled()


def test_a_change_that_has_begun_does_not_end_with_its_caller() -> None:
    begun, go_on, made = threading.Event(), threading.Event(), threading.Event()

    def change() -> None:
        begun.set()
        assert go_on.wait(30)
        made.set()

    async def scene() -> None:
        store = writers.Writers()
        await leave(store, change, begun)
        go_on.set()
        await asyncio.gather(*[store.run(lambda: None) for _ in range(2 * writers.AT_ONCE)])  # no turn is lost
        await asyncio.to_thread(made.wait)

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("failure", "logged"),
    [(Problem(504, "too late"), []), (RuntimeError("unforeseen"), ["a change failed after its caller had left"])],
)
def test_of_a_change_whose_caller_has_left_only_the_unforeseen_is_logged(
    caplog: pytest.LogCaptureFixture, failure: Exception, logged: list[str]
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def change() -> None:
        begun.set()
        assert go_on.wait(30)
        raise failure

    async def scene() -> None:
        store = writers.Writers()
        await leave(store, change, begun)
        go_on.set()
        await asyncio.gather(*[store._turns.acquire() for _ in range(writers.AT_ONCE)])  # until it has ended

    asyncio.run(scene())
    gc.collect()  # asyncio tells of errors that nobody asked for when they go
    assert [record.getMessage() for record in caplog.records] == logged


def test_without_a_turn_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    async def scene() -> None:
        store = writers.Writers()
        others = [asyncio.create_task(store.run(go_on.wait, 30)) for _ in range(writers.AT_ONCE)]
        await asyncio.sleep(0)  # they take their turns
        with pytest.raises(Problem, match="kept the store busy") as refusal:
            await store.run(pytest.fail, "it was changed")
        assert refusal.value.status == 503
        go_on.set()
        assert await asyncio.gather(*others) == [True] * writers.AT_ONCE

    monkeypatch.setattr(writers, "_WAIT_S", 0.01)
    asyncio.run(scene())


@pytest.mark.parametrize(
    ("failure", "status", "again"),
    [
        (NoConnection("QueuePool limit of size 5 overflow 10 reached"), 503, "5"),
        (sqlite3.OperationalError("database or disk is full"), 507, None),
        (OSError(errno.ENOSPC, "No space left on device"), 507, None),
        (sqlite3.OperationalError("no such table: tasks"), 500, None),
        (OSError(errno.EIO, "Input/output error"), 500, None),
    ],
)
def test_who_is_told_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int, again: str | None
) -> None:
    with serving(tmp_path) as client:
        tasks = client.app.state.components.tasks

        def failing(*_: object, **__: object) -> None:
            raise failure

        monkeypatch.setattr(type(tasks), "create", failing)
        assert create(client) == (status, "application/problem+json", again)
