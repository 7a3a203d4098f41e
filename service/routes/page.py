"""The page at ``/`` with its files."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles

FOLDER = Path(__file__).parents[1] / "page"


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
