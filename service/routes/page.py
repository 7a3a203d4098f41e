"""The page at ``/`` with its files, and the headers that restrict what browsers may do with them."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDER = Path(__file__).parents[1] / "page"
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class _Current(StaticFiles):
    """Files that browsers may keep, but ask about each time: a new release's page must not run old modules."""

    def file_response(self, *given: Any, **named: Any) -> Response:
        """Give a file, or 304 for one that the browser has."""
        response = super().file_response(*given, **named)
        response.headers["Cache-Control"] = "no-cache"
        return response


_FILES = _Current(directory=FOLDER)
_EXAMPLES = _Current(directory=Path(__file__).parents[2] / "docs" / "examples", check_dir=False)
router = APIRouter()


@router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
async def index(request: Request) -> Response:
    """Give the page."""
    return await _FILES.get_response("index.html", request.scope)


@router.api_route("/page/examples/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
async def example(path: str, request: Request) -> Response:
    """Give one of the drawings that the page offers to try, or their list."""
    if not path.endswith((".png", ".json")):
        raise HTTPException(404)
    return await _EXAMPLES.get_response(path, request.scope)


@router.api_route("/page/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
async def file(path: str, request: Request) -> Response:
    """Give one of the page's files."""
    return await _FILES.get_response(path, request.scope)


class SecurityHeaders:
    """Pure ASGI middleware: keeps answers from loading, or being framed by, anything from elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add headers to its answer."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)
