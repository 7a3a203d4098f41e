"""Limits on a request's body: bytes, announced and counted, and the time in which it must arrive."""

import asyncio
import re
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import Problem, problem_response
from service.settings import MEBIBYTE, Settings

_JOBS = re.compile(r"/v1/tasks/[^/]+/jobs")
_DRAINED_BYTES = 256 * MEBIBYTE
_DRAINED_S = 10.0


class BodyLimit:
    """Pure ASGI middleware: beyond a limit, reading the body raises a Problem, which the handlers render."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its body counted and timed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_job = _JOBS.fullmatch(scope["path"]) is not None
        limit = self._settings.max_archive_bytes if is_job else self._settings.max_request_bytes
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit:
            if "expect" not in headers and int(announced) <= limit + _DRAINED_BYTES:
                await _drain(receive)
            await problem_response(_too_large(limit), scope["path"])(scope, receive, send)
            return
        await self.app(scope, _Counted(receive, limit, self._settings.upload_s), send)


class _Counted:
    """A receive channel that counts bytes and seconds until the body is complete."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive = receive
        self._limit = limit
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._received = 0
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()  # tells when the caller goes away, which may take as long as it likes
        try:
            async with asyncio.timeout(max(0.0, self._ends - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            detail = f"the request's body did not arrive within {self._seconds:g} s"
            raise Problem(408, detail, headers={"Connection": "close"}) from None
        self._received += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._received > self._limit:
            if not self._complete:
                await _drain(self._receive)
            raise _too_large(self._limit)
        return message


def _too_large(limit: int) -> Problem:
    detail = f"the request's body is larger than the {limit} bytes allowed; send fewer or smaller files"
    return Problem(413, detail)


async def _drain(receive: Receive) -> None:
    """Take what the caller is still sending: most clients read no answer before they have sent it all."""
    drained, more = 0, True
    try:
        async with asyncio.timeout(_DRAINED_S):
            while more and drained < _DRAINED_BYTES:
                message = await receive()
                drained += len(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)
    except TimeoutError:
        return
