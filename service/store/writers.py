"""Turns to change the store: a few callers wait for its lock on threads, the others on the event loop."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool

from service.problems import Problem
from service.store.busy import too_busy

logger = logging.getLogger("metashot")
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

        running = asyncio.create_task(to_the_end())
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            running.add_done_callback(_log_unforeseen)
            raise


def _log_unforeseen(change: "asyncio.Task[Any]") -> None:
    """Log what a change raised whose caller has left, unless it is a Problem, of use to that caller alone."""
    error = None if change.cancelled() else change.exception()
    if error is not None and not isinstance(error, Problem):
        logger.error("a change failed after its caller had left", exc_info=error)
