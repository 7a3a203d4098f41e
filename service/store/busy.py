"""Answers for callers while others keep the store busy, or its disk is full."""

import tempfile
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import TimeoutError as NoConnection

from service.problems import Problem, problem_response
from service.store.database import OUT_OF_REACH, is_full, is_unreachable


def install_busy_handler(app: FastAPI) -> None:
    """Answer 503 if the store is busy for too long or not where it was, and 507 on a full disk."""

    async def on_store(request: Request, error: Exception) -> JSONResponse:
        if is_full(error):
            return problem_response(_full("DATA_DIR"), request.scope["path"])
        if is_unreachable(error):
            return problem_response(_unreachable(), request.scope["path"])
        if not isinstance(error, NoConnection) and "locked" not in str(error):
            raise error  # trying again would not help
        return problem_response(too_busy(), request.scope["path"])

    async def on_file(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, OSError) or not is_full(error):
            raise error
        place = "the temporary folder (TMPDIR)" if error.filename == tempfile.gettempdir() else "DATA_DIR"
        return problem_response(_full(place), request.scope["path"])

    app.add_exception_handler(OSError, on_file)
    for kind in OUT_OF_REACH:
        app.add_exception_handler(kind, on_store)


def too_busy() -> Problem:
    """Make the 503 Problem for a caller who could not get at the store in time."""
    detail = "others kept the store busy for too long; try again in a moment"
    return Problem(503, detail, title="Busy", headers={"Retry-After": "5"})


def _unreachable() -> Problem:
    detail = (
        "the store in DATA_DIR cannot be opened, so nothing was changed; if the folder was moved or removed, put "
        "it back or restart the service, else try again in a moment"
    )
    return Problem(503, detail, title="Store out of reach", headers={"Retry-After": "5"})


def _full(place: str) -> Problem:
    detail = f"the disk of {place} is full, so nothing was changed; make room there and try again"
    return Problem(HTTPStatus.INSUFFICIENT_STORAGE, detail, title="Disk full")
