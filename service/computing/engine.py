"""Bounded computation: a fixed number of threads, limited admission, and deadlines."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

from models.learner import Embedding
from service.computing.memory_errors import memory_errors
from service.computing.sharing import in_company
from service.problems import Problem
from service.settings import Settings

Result = TypeVar("Result")


class Deadline:
    """When a piece of work must end. Work calls ``check`` before each batch of images and each inner step."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._abandoned = False

    @property
    def left(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self._ends - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether the time is up or the caller is gone."""
        return self._abandoned or self.left == 0

    def abandon(self) -> None:
        """Let the work end at its next check, as nobody waits for it any more."""
        self._abandoned = True

    def check(self) -> None:
        """Raise a 504 Problem if the deadline is over."""
        if self.over:
            raise self.passed()

    def passed(self) -> Problem:
        """Make the 504 Problem for a caller whose time is up."""
        detail = f"the answer was not ready within {self._seconds:g} s; send fewer images, or try again later"
        return Problem(504, detail, title="Deadline passed")


class Caller:
    """One admitted caller: its deadline, and its slot, which is freed when the last of its work has ended."""

    def __init__(self, engine: "Engine", deadline: Deadline, free: Callable[[], None]) -> None:
        self.deadline = deadline
        self._engine = engine
        self._free = free
        self._holds = 1
        self._lock = threading.Lock()

    async def run(self, work: Callable[[Deadline], Result], *, large: bool = False) -> Result:
        """Run a piece of the caller's work; ``large`` work shares one thread of its own.

        Raises:
            Problem: 504 past the deadline, 503 if the service is stopping, or what the work raises.
        """

        def begun() -> Result:
            self.deadline.check()
            return work(self.deadline)

        return await self.wait(self._engine.submit(begun, large=large))

    async def wait(self, future: "Future[Result]") -> Result:
        """Wait for work, which holds the caller's slot until it ends; raises a 504 Problem past the deadline."""
        with self._lock:
            self._holds += 1
        future.add_done_callback(lambda _: self.release())
        try:
            # Not asyncio.wait_for, which Python 3.11 lets go on if the caller leaves just as the work ends.
            async with asyncio.timeout(self.deadline.left):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise self.deadline.passed() from None

    def release(self) -> None:
        """Give up one hold on the slot, which is freed with the last."""
        with self._lock:
            self._holds -= 1
            last = self._holds == 0
        if last:
            self._free()


class Engine:
    """Runs work on ``compute_threads`` threads; admits ``queue_length`` more callers and refuses all others.

    Large work has one more thread of its own, so that small work never waits behind it; the operating system
    shares the cores between them.
    """

    def __init__(self, settings: Settings) -> None:
        torch.set_num_threads(1)
        self._deadline_s = settings.deadline_s
        self._threads = settings.compute_threads
        self._slots = settings.compute_threads + settings.queue_length
        self._pool = ThreadPoolExecutor(self._threads, "compute", lambda: torch.set_num_threads(1))
        self._large = ThreadPoolExecutor(1, "large", lambda: torch.set_num_threads(1))
        self._taken = 0
        self._small = self._large_ones = 0  # pieces of callers' work submitted but not ended
        self._lock = threading.Lock()
        self._recent_s = 0.1  # what a piece of work took: a moving average

    @property
    def waiting(self) -> int:
        """Admitted callers in excess of the compute threads."""
        return max(0, self._taken - self._threads)

    @property
    def free_threads(self) -> int:
        """How many threads a job may use: those that no caller needs, but at least one."""
        return max(1, self._threads - self._taken)

    def embedded(self, embedding: Embedding, images: Tensor, operations: int) -> Tensor:
        """Features ``[B, D]`` of images ``[B, C, H, W]``, computed with the help of all idle threads.

        ``operations`` are the floating-point operations of one image.
        """
        return in_company(self._pool.submit, self._idle_threads, embedding, images, operations)

    def _idle_threads(self) -> int:
        """Compute threads that no piece of callers' work runs on or waits for; large work counts as one piece."""
        return max(0, self._threads - self._small - min(1, self._large_ones))

    @contextmanager
    def admitted(self) -> Iterator[Caller]:
        """Give a caller a slot; once the caller leaves the context, its work ends at the next check.

        Raises:
            Problem: 503 with Retry-After if all slots are taken.
        """
        with self._lock:
            if self._taken >= self._slots:
                wait = math.ceil(self._slots * self._recent_s / self._threads)
                raise Problem(
                    503,
                    "all compute threads and waiting places are taken; try again in a moment",
                    title="Busy",
                    headers={"Retry-After": str(min(max(wait, 1), 30))},
                )
            self._taken += 1
        caller = Caller(self, Deadline(self._deadline_s), self._free)
        try:
            yield caller
        finally:
            caller.deadline.abandon()
            caller.release()

    def submit(self, work: Callable[[], Result], *, large: bool = False) -> "Future[Result]":
        """Queue a piece of callers' work; raises a 503 Problem when the service is stopping.

        Work of a caller who leaves before it begins is let go at once, with all images that it holds: its turn
        stays in the queue until a thread is free, but no limit counts it any more.
        """
        waiting = [work]

        def timed() -> Result:
            began = time.monotonic()
            try:
                with memory_errors():
                    return waiting.pop()()
            finally:
                self._recent_s += 0.1 * (time.monotonic() - began - self._recent_s)

        self._count(1, large)  # before it can begin, as the work itself may ask for idle threads
        try:
            future = (self._large if large else self._pool).submit(timed)
        except RuntimeError:
            self._count(-1, large)
            raise Problem(503, "the service is stopping", headers={"Retry-After": "5"}) from None
        future.add_done_callback(lambda _: self._count(-1, large))
        future.add_done_callback(lambda _: waiting.clear())
        return future

    def submit_behind(self, work: Callable[[], Result]) -> "Future[Result]":
        """Queue a short piece of a job on the same threads, not counted as callers' work or for Retry-After."""

        def told() -> Result:
            with memory_errors():
                return work()

        return self._pool.submit(told)

    def close(self) -> None:
        """Wait for running work to end; drop what is queued."""
        for pool in (self._pool, self._large):
            pool.shutdown(wait=True, cancel_futures=True)

    def _count(self, pieces: int, large: bool) -> None:
        with self._lock:
            if large:
                self._large_ones += pieces
            else:
                self._small += pieces

    def _free(self) -> None:
        with self._lock:
            self._taken -= 1
