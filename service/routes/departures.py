"""Work that is of use only to a caller who is still there."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from fastapi import Request

from service.problems import Problem

_SHORT_S = 0.05  # how long work runs unwatched: most answers, for which watching would cost as much as it saves
Result = TypeVar("Result")


async def while_present(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Await work, but cancel it if its caller leaves first; work of a few milliseconds is not watched.

    Nothing else may read the request's body meanwhile.

    Raises:
        Problem: 400 if the caller left; or what the work raises.
    """
    watching: asyncio.Task[None] | None = None
    scope = asyncio.timeout(None)  # ends the work by being moved to now

    def watch() -> None:
        nonlocal watching
        watching = asyncio.create_task(_end_at_departure(request, scope))

    timer = asyncio.get_running_loop().call_later(_SHORT_S, watch)
    try:
        async with scope:
            try:
                return await work
            finally:
                timer.cancel()
                if watching is not None:
                    watching.cancel()
    except TimeoutError:
        if scope.expired():
            raise Problem(400, "the caller went away before the answer was ready") from None
        raise


async def _end_at_departure(request: Request, scope: asyncio.Timeout) -> None:
    """Wait until the caller is gone; what comes of the body, of which the work needs nothing, is dropped."""
    with suppress(Problem):  # a body that does not come as it should: no matter to the work
        while (await request.receive())["type"] != "http.disconnect":
            pass
        scope.reschedule(asyncio.get_running_loop().time())
