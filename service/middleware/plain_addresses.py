"""Control characters in addresses: no route takes them, and no line of the log may contain them."""

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from service.problems import Problem, problem_response
from service.uploads.labels import one_line


class PlainAddresses:
    """Pure ASGI middleware around BentoML's routes, which would answer such an address in plain text."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 404."""
        if scope["type"] != "http" or scope["path"] == one_line(scope["path"]):
            await self.app(scope, receive, send)
            return
        detail = (
            "the address has control characters or line breaks, which none has here; /docs.json lists the routes"
        )
        await problem_response(Problem(404, detail), scope["path"])(scope, receive, send)


def keep_to_one_line(record: logging.LogRecord) -> bool:
    """Replace control characters in what is logged, of which callers choose parts; for ``addFilter``."""
    record.msg, record.args = one_line(record.getMessage()), None
    return True
