"""Errors as callers see them: RFC 9457 problem+json, one exception class for all of them."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

MEDIA_TYPE = "application/problem+json"
_PLAIN = "/:@!$&'()*+,;="  # what a path may contain as it is (RFC 3986, 3.3), beside letters, digits and -._~
_LONGEST = 2000  # characters of a text in an answer: callers' own texts in it must not make it endless
logger = logging.getLogger("metashot")


class Problem(Exception):
    """What is wrong with a request, and what to do about it.

    Attributes:
        status: HTTP status.
        title: the kind of problem, the same for every case of it; by default the status's phrase.
        detail: this case, in a sentence that says what to do.
        file: name of the file at fault, if one is.
        field: name of the form field or JSON member at fault, if one is.
        headers: further response headers.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        title: str | None = None,
        file: str | None = None,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title or HTTPStatus(status).phrase
        self.detail = detail
        self.file = file
        self.field = field
        self.headers = dict(headers or {})


def not_found(kind: str, identity: str) -> Problem:
    """Make a 404 Problem about a ``kind`` of thing, such as a task, by its id or label."""
    return Problem(404, f"there is no {kind} {identity!r}", title=f"Unknown {kind}")


def problem_response(problem: Problem, path: str) -> JSONResponse:
    """Render a problem; ``path`` is the request's, decoded, as its scope has it."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": _bounded(problem.detail),
        "instance": quote(path, safe=_PLAIN),  # a URI reference (RFC 9457, 3.1.5)
    }
    if problem.file is not None:
        body["file"] = _bounded(problem.file)
    if problem.field is not None:
        body["field"] = _bounded(problem.field)
    return JSONResponse(body, problem.status, problem.headers, MEDIA_TYPE)


def _bounded(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def install_handlers(app: FastAPI) -> None:
    """Turn Problems, HTTP exceptions, validation errors and want of memory into problem+json answers."""

    async def on_problem(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return problem_response(error, request.scope["path"])

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        problem = Problem(error.status_code, str(error.detail), headers=error.headers)
        return problem_response(problem, request.scope["path"])

    async def on_validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
        return problem_response(Problem(422, f"{field}: {first['msg']}", field=field), request.scope["path"])

    async def on_departure(request: Request, _: Exception) -> JSONResponse:
        problem = Problem(400, "the caller went away before the request was read")
        return problem_response(problem, request.scope["path"])

    async def on_shortage(request: Request, _: Exception) -> JSONResponse:
        logger.warning("not enough memory for %s %s", request.method, request.scope["path"])
        detail = "the service has not enough memory for this at present; try again in a moment, or send less"
        problem = Problem(503, detail, title="Out of memory", headers={"Retry-After": "5"})
        return problem_response(problem, request.scope["path"])

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(MemoryError, on_shortage)
    app.add_exception_handler(ClientDisconnect, on_departure)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)
