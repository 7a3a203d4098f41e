"""Bounded computation: a pool of our own, bounded admission, deadlines, and the cache of classifiers."""

import asyncio
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

from service.classifier import Classifier
from service.problems import Problem
from service.settings import Settings

Result = TypeVar("Result")
Key = tuple[str, int, str]  # task, its version, the initialization's version


class Deadline:
    """When a piece of work must end. Work calls ``check`` often: before each image and each inner step."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._abandoned = False

    @property
    def left(self) -> float:
        """Seconds, at least 0."""
        return max(0.0, self._ends - time.monotonic())

    def abandon(self) -> None:
        """Let the work end at its next check: nobody waits for it any more."""
        self._abandoned = True

    def check(self) -> None:
        """Go on, or raise a 504 Problem."""
        if self._abandoned or self.left == 0:
            raise self.passed()

    def passed(self) -> Problem:
        """The answer to a caller whose time is up."""
        detail = f"the answer was not ready within {self._seconds:g} s; send fewer images, or try again later"
        return Problem(504, detail, title="Deadline passed")


class Engine:
    """Runs work on ``compute_threads`` threads; admits ``queue_length`` more callers, and refuses any other.

    A caller's slot is free again when its work has really ended, not when the caller has given up.
    """

    def __init__(self, settings: Settings) -> None:
        torch.set_num_threads(1)
        self._deadline_s = settings.deadline_s
        self._threads = settings.compute_threads
        self._slots = settings.compute_threads + settings.queue_length
        self._pool = ThreadPoolExecutor(self._threads, "compute", lambda: torch.set_num_threads(1))
        self._taken = 0
        self._lock = threading.Lock()
        self._recent_s = 0.1  # what a piece of work took, on average over the last few

    @property
    def waiting(self) -> int:
        """Callers' work that no thread has begun, or could have."""
        return max(0, self._taken - self._threads)

    async def run(self, work: Callable[[Deadline], Result]) -> Result:
        """Run a caller's work within the deadline.

        Raises:
            Problem: 503 with Retry-After if all slots are taken, 504 past the deadline, or the work's own.
        """
        deadline = Deadline(self._deadline_s)
        future = self._admit(work, deadline)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), deadline.left)
        except TimeoutError:
            raise deadline.passed() from None
        finally:
            deadline.abandon()

    def run_behind(self, work: Callable[[], Result]) -> Result:
        """Run a short piece of a job's work on the same threads, in turn with the callers', and wait for it."""
        return self._pool.submit(work).result()

    def close(self) -> None:
        """Let running work end; drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _admit(self, work: Callable[[Deadline], Result], deadline: Deadline) -> "Future[Result]":
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

        def timed() -> Result:
            deadline.check()
            began = time.monotonic()
            try:
                return work(deadline)
            finally:
                self._recent_s += 0.1 * (time.monotonic() - began - self._recent_s)

        try:
            future = self._pool.submit(timed)
        except RuntimeError:
            self._free(None)
            raise Problem(503, "the service is stopping", headers={"Retry-After": "5"}) from None
        future.add_done_callback(self._free)
        return future

    def _free(self, _: object) -> None:
        with self._lock:
            self._taken -= 1


class ClassifierCache:
    """The most recently used classifiers, up to a number of bytes. The store is the truth, not this."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[Key, Classifier] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Classifier | None:
        """Give a classifier, or None where it must be rebuilt."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Key, classifier: Classifier) -> None:
        """Keep a classifier; the least recently used ones go."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = classifier
                self._bytes += classifier.size
            while self._bytes > self._max_bytes:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= gone.size
