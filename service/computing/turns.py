"""Turns to change a task: one caller at a time, so that this process makes no fits that would lose the race."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from service.computing.engine import Deadline


class Turns:
    """Lets callers change a task one after the other; among processes, the task's version decides."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, task_id: str, deadline: Deadline) -> AsyncIterator[None]:
        """Wait for a turn, and have it for the context; raises a 504 Problem past the deadline."""
        lock = self._locks.setdefault(task_id, asyncio.Lock())
        try:
            async with asyncio.timeout(deadline.left):
                await lock.acquire()
        except TimeoutError:
            raise deadline.passed() from None
        try:
            yield
        finally:
            lock.release()
