"""A stored image as an answer: the file as it was uploaded, which no browser takes for anything but an image."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from models.images.image_decoding import SUFFIXES, media_type
from service.store.example_files import ExampleFile, ExampleFiles

_FOLDERS = re.compile(r".*[/\\]", re.DOTALL)
_HEADERS = {
    # Opened by itself, it is shown (a browser does so by styles of its own), and nothing that it holds is run.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Browsers may keep it, but ask each time: a deleted example is to be gone, and a proxy may want a password.
    "Cache-Control": "private, no-cache",
}


async def picture(request: Request, files: ExampleFiles, file: ExampleFile) -> Response:
    """Answer with an example's file, or with 304 where the caller has it; raises a 404 Problem if it is gone."""
    headers = {**_HEADERS, "ETag": f'"{file.sha256}"'}
    if _has(request.headers.get("if-none-match", ""), file.sha256):
        return Response(status_code=304, headers=headers)
    first = await files.piece(file, 0)
    kind = media_type(first)
    headers |= {"Content-Disposition": _inline(file.filename, kind), "Content-Length": str(file.size)}
    if len(first) == file.size:
        return Response(first, media_type=kind, headers=headers)

    async def pieces() -> AsyncIterator[bytes]:
        piece, sent = first, 0
        while piece:
            yield piece
            sent += len(piece)
            piece = await files.piece(file, sent) if sent < file.size else b""

    return StreamingResponse(pieces(), media_type=kind, headers=headers)


def _has(known: str, sha256: str) -> bool:
    """Whether ``If-None-Match`` names the file (RFC 9110, 13.1.2)."""
    return any(tag.strip().removeprefix("W/") in ("*", f'"{sha256}"') for tag in known.split(","))


def _inline(filename: str, kind: str) -> str:
    """Name the file for those who save it: without folders, and as an image, whatever it was called."""
    name = _FOLDERS.sub("", filename).lstrip(".") or "image"
    if not name.lower().endswith(tuple(SUFFIXES)):
        name += f".{kind.partition('/')[2]}"
    quoted = quote(name, safe="", errors="replace")
    # A plain name in the plain way, as not every program reads the other.
    return f'inline; filename="{name}"' if quoted == name else f"inline; filename*=UTF-8''{quoted}"
