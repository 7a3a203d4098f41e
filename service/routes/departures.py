"""Work that is of use only to a caller who is still there."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from service.problems import Problem

Result = TypeVar("Result")


async def while_present(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Await work, but cancel it if its caller leaves first.

    Nothing else may read the request's body meanwhile.

    Raises:
        Problem: 400 if the caller left; or what the work raises.
    """
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_departure(request))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if not working.done() and watching.exception() is None:
            raise Problem(400, "the caller went away before the answer was ready")
        return await working
    finally:
        working.cancel()
        watching.cancel()


async def _departure(request: Request) -> None:
    """Wait until the caller is gone; what comes of the body, of which the work needs nothing, is dropped."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
