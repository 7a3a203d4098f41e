"""Turns to change the store: a few callers wait for its lock on threads, the others on the event loop."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool

from service.store.busy import too_busy

Given = ParamSpec("Given")
Result = TypeVar("Result")
AT_ONCE = 6
_WAIT_S = 5.0


class Writers:
    """Runs changes of the store on threads, ``AT_ONCE`` at a time.

    SQLite lets them in one by one. Any more would only take up threads that reads need, for as long as another
    process keeps the lock.
    """

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def run(self, change: Callable[Given, Result], *arguments: Given.args, **named: Given.kwargs) -> Result:
        """Run a change. Once begun it runs to its end, whether or not the caller still waits for it.

        Raises:
            Problem: 503, with nothing changed, if no turn comes within ``_WAIT_S`` seconds; or what the change
                raises.
        """
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._turns.acquire()
        except TimeoutError:
            raise too_busy() from None

        async def to_the_end() -> Result:
            try:
                return await run_in_threadpool(change, *arguments, **named)
            finally:
                self._turns.release()

        return await asyncio.shield(asyncio.create_task(to_the_end()))
