"""What callers are told while others keep the store busy."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import TimeoutError as NoConnection

from service.problems import Problem, problem_response
from service.store.database import OUT_OF_REACH


def install_busy_handler(app: FastAPI) -> None:
    """Answer 503 where the store's lock, or a connection, did not become free in time."""

    async def on_store(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, NoConnection) and "locked" not in str(error):
            raise error  # a full disk, for example: to try again would not help
        detail = "others kept the store busy for too long; try again in a moment"
        problem = Problem(503, detail, title="Busy", headers={"Retry-After": "5"})
        return problem_response(problem, request.url.path)

    for kind in OUT_OF_REACH:
        app.add_exception_handler(kind, on_store)
