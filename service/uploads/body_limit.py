"""Limits on request bodies: bytes of one and of all together, and the time within which one must arrive."""

import asyncio
import re
import threading
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import Problem, problem_response
from service.settings import MEBIBYTE, Settings
from service.uploads.media_type import FORM, media_type

_JOBS = re.compile(r"/v1/tasks/[^/]+/jobs")
_DRAINED_BYTES = 256 * MEBIBYTE
_DRAINED_S = 10.0
_AT_ONCE = 16  # bodies of the largest size in memory; of smaller ones, more fit
_KEEP = "metashot.keep"
Keep = Callable[[int], None]


class BodyLimit:
    """Pure ASGI middleware: beyond a limit, reading the body raises a Problem, which the handlers render.

    A body announced as too large is refused before the application sees it. An answer that is ready before the
    body is complete waits for the rest, within bounds: most clients read no answer before they have sent
    everything, and closing the connection would hide it from them.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._settings = settings
        alone = settings.max_request_bytes + settings.max_support_unpacked_bytes  # must always fit
        self._room = _Room(max(_AT_ONCE * settings.max_request_bytes, alone))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its body counted and timed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_job = _JOBS.fullmatch(scope["path"]) is not None
        limit = self._settings.max_archive_bytes if is_job else self._settings.max_request_bytes
        # A job's form is written to disk as it comes, so it needs no room in memory.
        on_disk = is_job and media_type(headers) == FORM
        held = _Held(None if on_disk else self._room)
        body = _Body(receive, headers, limit, self._settings.upload_s, held.keep)

        async def send_after_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                await body.drain()
                body.answered = True
            await send(message)

        if body.announced > limit:
            await problem_response(_too_large(limit), scope["path"])(scope, receive, send_after_body)
        else:
            try:
                # Not the body: it leads to the scope, by `receive`, and only garbage collection would free both.
                scope[_KEEP] = held.keep
                await self.app(scope, body.receive, send_after_body)
            finally:
                held.forget()


def room_of(scope: Scope) -> Keep:
    """Give a function that counts further bytes held until the request is answered, or raises a 503 Problem."""
    keep: Keep = scope[_KEEP]
    return keep


class _Room:
    """Memory for the bodies of all requests being answered, and for what these unpack to."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()  # archives are unpacked on other threads

    def take(self, size: int) -> None:
        """Take ``size`` bytes, or raise a 503 Problem."""
        with self._lock:
            if size > self._left:
                detail = "too many large requests are being answered; try again in a moment"
                raise Problem(503, detail, title="Busy", headers={"Retry-After": "5"})
            self._left -= size

    def give_back(self, size: int) -> None:
        """Free ``size`` bytes."""
        with self._lock:
            self._left += size


class _Held:
    """What one request holds of the room."""

    def __init__(self, room: _Room | None) -> None:
        self._room = room
        self._kept = 0

    def keep(self, size: int) -> None:
        """Count bytes that stay in memory until the answer is sent, or raise a 503 Problem."""
        if self._room is not None:
            self._room.take(size)
            self._kept += size

    def forget(self) -> None:
        """Free all: none of it is in memory any more."""
        if self._room is not None:
            self._room.give_back(self._kept)


class _Body:
    """A request's body: counts bytes and seconds until it is complete."""

    def __init__(self, receive: Receive, headers: Headers, limit: int, seconds: float, keep: Keep) -> None:
        length = headers.get("content-length", "")
        self.announced = int(length) if length.isdecimal() else 0
        self.answered = False  # whether an answer has begun
        self._receive = receive
        self._limit = limit
        self._seconds = seconds
        self._ends: float | None = None  # set at the first read: what comes before may take long
        self._received = 0
        self._keep = keep
        # Whether the caller is sending; with an Expect header, it starts only once the body is read.
        self._expected = self.announced > 0 or "transfer-encoding" in headers
        self._coming = "expect" not in headers and self._expected
        self._complete = False

    async def receive(self) -> Message:
        """Take the next piece, or raise a Problem."""
        if self._complete:
            return await self._receive()  # waits, without limit, for the caller to disconnect
        self._coming = True
        if self._ends is None:
            self._ends = time.monotonic() + self._seconds
        try:
            async with asyncio.timeout(max(0.0, self._ends - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            self._coming = False
            detail = (
                f"the request's body did not arrive within {self._seconds:g} s; send less at once, or let the "
                "service allow more seconds (METASHOT_UPLOAD_S)"
            )
            raise Problem(408, detail, headers={"Connection": "close"}) from None
        self._received += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if message["type"] == "http.disconnect":
            if self.answered or not (self._expected or self._received):
                return message  # no body is missing: whoever sends an answer looks out for this
            raise Problem(400, "the caller went away before the request's body was complete")
        if self._received > self._limit:
            raise _too_large(self._limit)
        self._keep(len(message.get("body", b"")))
        return message

    async def drain(self) -> None:
        """Read and drop what the caller is still sending, within bounds."""
        if self.announced - self._received > _DRAINED_BYTES:
            return
        drained = 0
        try:
            async with asyncio.timeout(_DRAINED_S):
                while self._coming and not self._complete and drained < _DRAINED_BYTES:
                    message = await self._receive()
                    drained += len(message.get("body", b""))
                    self._complete = not message.get("more_body", False)
        except TimeoutError:
            return


def _too_large(limit: int) -> Problem:
    detail = f"the request's body is larger than the {limit} bytes allowed; send fewer or smaller files"
    return Problem(413, detail)
