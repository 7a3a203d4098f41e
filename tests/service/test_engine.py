"""The engine admits, times out and frees slots as it says."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from service.computing.engine import Deadline, Engine
from service.problems import Problem
from service.settings import Settings


async def run(engine: Engine, work: Callable[[Deadline], Any], *, large: bool = False) -> Any:
    with engine.admitted() as caller:
        return await caller.run(work, large=large)


async def until_free(engine: Engine, threads: int) -> None:
    async with asyncio.timeout(10):
        while engine.free_threads != threads:
            await asyncio.sleep(0.001)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(Settings(data_dir=tmp_path, compute_threads=1, queue_length=1, deadline_s=0.5))
    yield engine
    engine.close()


def test_gives_results_and_errors(engine: Engine) -> None:
    async def failing() -> None:
        await run(engine, lambda _: 1 // 0)

    assert asyncio.run(run(engine, lambda deadline: deadline.left > 0))
    assert engine.submit_behind(lambda: 3).result() == 3
    with pytest.raises(ZeroDivisionError):
        asyncio.run(failing())


def test_refuses_beyond_its_slots_and_frees_them_when_work_ends(engine: Engine) -> None:
    release = threading.Event()

    async def scene() -> None:
        running = asyncio.create_task(run(engine, lambda _: release.wait(10)))
        queued = asyncio.create_task(run(engine, lambda _: "queued"))
        await asyncio.sleep(0.01)
        assert engine.waiting == 1
        with pytest.raises(Problem) as full:
            await run(engine, lambda _: None)
        assert full.value.status == 503
        assert int(full.value.headers["Retry-After"]) >= 1

        for caller in (running, queued):
            with pytest.raises(Problem) as late:
                await caller
            assert late.value.status == 504
        # The queued work is dropped, but the thread of the running one is still taken.
        other = asyncio.create_task(run(engine, lambda _: "other"))
        await asyncio.sleep(0.01)
        with pytest.raises(Problem) as still_full:
            await run(engine, lambda _: None)
        assert still_full.value.status == 503
        release.set()
        assert await other == "other"
        assert await run(engine, lambda _: "free") == "free"

    asyncio.run(scene())


@pytest.mark.parametrize(("recent_s", "told"), [(0.0, "1"), (2.5, "5"), (3600, "30")])
def test_who_is_refused_is_told_when_to_come_again_within_bounds(
    engine: Engine, recent_s: float, told: str
) -> None:
    engine._recent_s = recent_s
    with engine.admitted(), engine.admitted(), pytest.raises(Problem) as full, engine.admitted():
        pass
    assert full.value.headers["Retry-After"] == told


@pytest.mark.parametrize("large", [False, True])
def test_work_that_comes_while_it_stops_is_refused_and_not_counted(tmp_path: Path, large: bool) -> None:
    engine = Engine(Settings(data_dir=tmp_path, compute_threads=2))
    engine.close()
    with pytest.raises(Problem, match="stopping"):
        engine.submit(lambda: None, large=large)
    assert engine._idle_threads() == 2


def test_work_past_the_deadline_stops_at_its_next_check(engine: Engine) -> None:
    stopped = threading.Event()

    def work(deadline: Deadline) -> None:
        try:
            while True:
                deadline.check()
        finally:
            stopped.set()

    with pytest.raises(Problem) as late:
        asyncio.run(run(engine, work))
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
        caller = asyncio.create_task(run(engine, work))
        await asyncio.sleep(0.05)
        caller.cancel()

    asyncio.run(scene())
    assert stopped.wait(10)
    engine.close()


@pytest.mark.parametrize("turns", [0, 1])
def test_who_leaves_just_as_a_piece_of_work_ends_has_left(engine: Engine, turns: int) -> None:
    """That many turns of the event loop after its end, of which it has not heard then."""

    async def scene() -> None:
        ending: Future[str] = Future()
        ending.set_running_or_notify_cancel()
        with engine.admitted() as caller:
            answering = asyncio.create_task(caller.wait(ending))
            await asyncio.sleep(0.01)
            ending.set_result("too late")
            for _ in range(turns):
                await asyncio.sleep(0)
            assert not answering.done()
            answering.cancel()
            with pytest.raises(asyncio.CancelledError):
                await answering

    asyncio.run(scene())


@pytest.mark.parametrize("large", [False, True])
def test_what_work_holds_is_let_go_when_its_caller_leaves_the_queue(engine: Engine, large: bool) -> None:
    held = threading.Event()
    for _ in range(2):
        engine.submit(held.wait, large=large)
    images = {"content"}
    seen = weakref.ref(images)

    async def scene() -> None:
        nonlocal images
        caller = asyncio.create_task(run(engine, partial(lambda of, _: of, images), large=large))
        del images
        await asyncio.sleep(0.05)
        assert seen() is not None
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller

    try:
        asyncio.run(scene())
        gc.collect()
        assert seen() is None
    finally:
        held.set()


def test_small_work_does_not_wait_behind_large(engine: Engine) -> None:
    release = threading.Event()

    async def scene() -> None:
        large = asyncio.create_task(run(engine, lambda _: release.wait(10), large=True))
        await asyncio.sleep(0.01)
        assert await run(engine, lambda _: "small") == "small"
        release.set()
        assert await large

    asyncio.run(scene())


def test_a_caller_of_several_pieces_of_work_has_one_slot(engine: Engine) -> None:
    async def scene() -> None:
        with engine.admitted() as caller:
            assert [await caller.run(lambda _, n=n: n) for n in range(5)] == [0, 1, 2, 3, 4]
            with engine.admitted(), pytest.raises(Problem), engine.admitted():
                pass
        with engine.admitted(), engine.admitted():
            pass

    asyncio.run(scene())


def test_jobs_get_the_threads_that_no_caller_has_and_at_least_one(tmp_path: Path) -> None:
    engine = Engine(Settings(data_dir=tmp_path, compute_threads=2))
    assert engine.free_threads == 2
    with engine.admitted():
        assert engine.free_threads == 1
        with engine.admitted():
            assert engine.free_threads == 1
    assert engine.free_threads == 2
    engine.close()


IMAGES = torch.arange(12.0).reshape(12, 1, 1, 1)  # as many pieces as threads, two or three
MUCH = 10**10  # operations of an image


def test_large_work_gets_the_threads_that_are_idle_however_many_wait_for_its_own(tmp_path: Path) -> None:
    engine = Engine(Settings(data_dir=tmp_path, compute_threads=3))
    three = threading.Barrier(3, timeout=10)

    def embedding(images: torch.Tensor) -> torch.Tensor:
        three.wait()
        return images.flatten(1)

    async def scene() -> list[torch.Tensor]:
        large = [run(engine, lambda _: engine.embedded(embedding, IMAGES, MUCH), large=True) for _ in range(4)]
        return list(await asyncio.gather(*large))

    assert all(torch.equal(found, IMAGES.flatten(1)) for found in asyncio.run(scene()))
    engine.close()


def test_large_work_leaves_the_threads_that_small_work_runs_on_or_waits_for(tmp_path: Path) -> None:
    engine = Engine(Settings(data_dir=tmp_path, compute_threads=3))
    release, sizes = threading.Event(), []

    def embedding(images: torch.Tensor) -> torch.Tensor:
        sizes.append(len(images))
        return images.flatten(1)

    def embedded(_: Deadline) -> torch.Tensor:
        return engine.embedded(embedding, IMAGES, MUCH)

    async def scene() -> None:
        small = [asyncio.create_task(run(engine, lambda _: release.wait(10))) for _ in range(2)]
        await until_free(engine, 1)
        await run(engine, embedded, large=True)
        assert sizes == [12]  # by one thread, at once
        small[0].cancel()
        release.set()
        await small[1]
        await until_free(engine, 3)  # the thread of the cancelled one, too, which may take a moment longer
        await run(engine, embedded, large=True)
        assert sizes == [12, 4, 4, 4]

    asyncio.run(scene())
    engine.close()
