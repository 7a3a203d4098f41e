"""An answer that is made while it is sent."""

from collections.abc import Generator, Mapping
from itertools import chain

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class Streamed(StreamingResponse):
    """Closes the generator that it sends from, even if the caller leaves in the middle.

    Otherwise the generator, with its open files, would stay in a reference cycle until the next garbage
    collection, which after start-up is rare. The first chunk is made at once, so that what fails by then is
    answered as a refusal.
    """

    def __init__(self, chunks: Generator[bytes, None, None], media_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(chain([next(chunks, b"")], chunks), media_type=media_type, headers=headers)
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the chunks."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._chunks.close()
