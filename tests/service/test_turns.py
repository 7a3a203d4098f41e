"""Changes of one task that come faster than they can be made: bounded in number and time, and none half told."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.computing.callers_fits import CallersFits
from service.computing.engine import Caller
from tests.service.made_images import drawing
from tests.service.tiny_service import serving, until

SUPPORT = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]


@contextmanager
def changing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **limits: Any
) -> "Iterator[tuple[TestClient, str, Callable[[], Future[Any]], list[str]]]":
    """Give a client, a task's address, what starts a change, and a list: while it is empty, none ends."""
    may_end: list[str] = []
    has_turn = threading.Event()
    fit = CallersFits.change

    async def held(*given: Any) -> Any:
        fitted = await fit(*given)
        has_turn.set()
        while not may_end:
            await asyncio.sleep(0.01)
        return fitted

    with serving(tmp_path, compute_threads=1, **limits) as client, ThreadPoolExecutor(8) as callers:
        task = client.post("/v1/tasks", files=SUPPORT, data={"labels": ["a", "b"]}).json()["id"]
        path = f"/v1/tasks/{task}"

        def change() -> "Future[Any]":
            sent = callers.submit(client.post, f"{path}/examples", files=SUPPORT[:1], data={"labels": ["a"]})
            assert has_turn.wait(30)  # the first one
            return sent

        monkeypatch.setattr(CallersFits, "change", held)
        try:
            yield client, path, change, may_end
        finally:
            may_end.append("now")


def test_those_who_wait_for_a_turn_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with changing(tmp_path, monkeypatch, queue_length=2) as (client, path, change, may_end):
        admitted = [change() for _ in range(3)]
        until(lambda: client.app.state.components.classifiers._engine.waiting == 2)
        refused = change().result()
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
        assert int(refused.headers["retry-after"]) >= 1
        may_end.append("now")
        assert [one.result().status_code for one in admitted] == [200] * 3
        assert client.get(path).json()["version"] == 4


def test_who_is_told_that_time_is_up_finds_nothing_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with changing(tmp_path, monkeypatch, deadline_s=1) as (client, path, change, may_end):
        began = time.monotonic()
        first, waiting = change(), [change() for _ in range(3)]
        for one in waiting:
            answer = one.result()
            assert (answer.status_code, answer.headers["content-type"]) == (504, "application/problem+json")
            assert "within 1 s" in answer.json()["detail"]
        time.sleep(max(0.0, began + 1.5 - time.monotonic()))
        may_end.append("now")
        assert first.result().status_code == 504
        assert client.get(path).json()["version"] == 1
        assert change().result().status_code == 200
        assert client.get(path).json()["version"] == 2


def test_who_is_told_that_time_is_up_has_made_no_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapt = CallersFits.adapt

    async def late(*given: Any) -> Any:
        fitted = await adapt(*given)
        await asyncio.sleep(1.5)
        return fitted

    monkeypatch.setattr(CallersFits, "adapt", late)
    with serving(tmp_path, deadline_s=1) as client:
        answer = client.post("/v1/tasks", files=SUPPORT, data={"labels": ["a", "b"]})
        assert (answer.status_code, answer.headers["content-type"]) == (504, "application/problem+json")
        assert client.get("/v1/tasks").json()["items"] == []


def test_a_fit_that_another_process_overtook_answers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it may stay in memory, where no time is left to fit again."""
    fit, fits = CallersFits.change, 0
    with serving(tmp_path) as one, serving(tmp_path) as other:
        path = f"/v1/tasks/{one.post('/v1/tasks', files=SUPPORT, data={'labels': ['a', 'b']}).json()['id']}"

        def add(client: TestClient, label: str) -> int:
            return client.post(f"{path}/examples", files=SUPPORT[:1], data={"labels": [label]}).status_code

        def answer(client: TestClient) -> Any:
            return client.post(f"{path}/classify", files={"query": ("3.png", drawing(3))}).json()

        async def overtaken(self: CallersFits, caller: Caller, *given: Any) -> Any:
            nonlocal fits
            if self is other.app.state.components.classifiers._fits:
                return await fit(self, caller, *given)
            fits += 1
            if fits == 2:
                raise caller.deadline.passed()
            fitted = await fit(self, caller, *given)
            assert await asyncio.to_thread(add, other, "by the other") == 200
            return fitted

        monkeypatch.setattr(CallersFits, "change", overtaken)
        assert add(one, "by the one") == 504
        assert one.get(path).json()["version"] == 2
        assert answer(one) == answer(other)


def test_a_task_that_another_process_changes_while_it_is_fitted_is_fitted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as one, serving(tmp_path) as other:
        task = one.post("/v1/tasks", files=SUPPORT, data={"labels": ["a", "b"]}).json()
        extra = {"files": SUPPORT[:1], "data": {"labels": ["c"]}}
        assert one.post(f"/v1/tasks/{task['id']}/examples", **extra).status_code == 200
        refit, fits = CallersFits.refit, 0

        async def overtaken(self: CallersFits, caller: Caller, *given: Any) -> Any:
            nonlocal fits
            fits += 1
            if fits == 1:
                gone = await asyncio.to_thread(one.delete, f"/v1/tasks/{task['id']}/classes/c")
                assert gone.status_code == 200
            return await refit(self, caller, *given)

        monkeypatch.setattr(CallersFits, "refit", overtaken)
        files = {"query": ("3.png", drawing(3))}
        answer = other.post(f"/v1/tasks/{task['id']}/classify", files=files)
        assert (answer.status_code, fits) == (200, 2)
        assert answer.json() == one.post(f"/v1/tasks/{task['id']}/classify", files=files).json()
