"""The engine admits, times out and frees slots as it says; the cache forgets the least recently used."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from service.classifier import Classifier
from service.engine import ClassifierCache, Deadline, Engine
from service.problems import Problem
from service.settings import Settings


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(Settings(data_dir=tmp_path, compute_threads=1, queue_length=1, deadline_s=0.5))
    yield engine
    engine.close()


def test_gives_results_and_errors(engine: Engine) -> None:
    async def failing() -> None:
        await engine.run(lambda _: 1 // 0)

    assert asyncio.run(engine.run(lambda deadline: deadline.left > 0))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(failing())
    assert engine.run_behind(lambda: 3) == 3


def test_refuses_beyond_its_slots_and_frees_them_when_work_ends(engine: Engine) -> None:
    release = threading.Event()

    async def scene() -> None:
        running = asyncio.create_task(engine.run(lambda _: release.wait(10)))
        queued = asyncio.create_task(engine.run(lambda _: "queued"))
        await asyncio.sleep(0.01)
        assert engine.waiting == 1
        with pytest.raises(Problem) as full:
            await engine.run(lambda _: None)
        assert full.value.status == 503
        assert int(full.value.headers["Retry-After"]) >= 1

        for caller in (running, queued):
            with pytest.raises(Problem) as late:
                await caller
            assert late.value.status == 504
        # The queued work is dropped, but the thread of the running one is still taken.
        other = asyncio.create_task(engine.run(lambda _: "other"))
        await asyncio.sleep(0.01)
        with pytest.raises(Problem) as still_full:
            await engine.run(lambda _: None)
        assert still_full.value.status == 503
        release.set()
        assert await other == "other"
        assert await engine.run(lambda _: "free") == "free"

    asyncio.run(scene())


def test_work_past_the_deadline_stops_at_its_next_check(engine: Engine) -> None:
    stopped = threading.Event()

    def work(deadline: Deadline) -> None:
        try:
            while True:
                deadline.check()
        finally:
            stopped.set()

    with pytest.raises(Problem) as late:
        asyncio.run(engine.run(work))
    assert late.value.status == 504
    assert stopped.wait(10)


def test_work_of_a_caller_who_left_stops(tmp_path: Path) -> None:
    engine = Engine(Settings(data_dir=tmp_path, deadline_s=60))
    stopped = threading.Event()

    def work(deadline: Deadline) -> None:
        try:
            while True:
                deadline.check()
        finally:
            stopped.set()

    async def scene() -> None:
        caller = asyncio.create_task(engine.run(work))
        await asyncio.sleep(0.05)
        caller.cancel()

    asyncio.run(scene())
    assert stopped.wait(10)
    engine.close()


def test_the_cache_keeps_what_was_used_last_within_its_bytes() -> None:
    class Sized:
        size = 40

    def classifier() -> Classifier:
        return cast(Any, Sized())

    cache = ClassifierCache(100)
    first, second, third = classifier(), classifier(), classifier()
    cache.put(("a", 1, "v"), first)
    cache.put(("b", 1, "v"), second)
    assert cache.get(("a", 1, "v")) is first
    cache.put(("c", 1, "v"), third)
    assert cache.get(("b", 1, "v")) is None
    assert cache.get(("a", 1, "v")) is first
    assert cache.get(("a", 2, "v")) is None, "another version is another classifier"
