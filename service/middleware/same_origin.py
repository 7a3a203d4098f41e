"""Keeps pages of other sites from changing anything here, though a browser would send their forms."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.problems import Problem, problem_response

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class SameOrigin:
    """Pure ASGI middleware that refuses what a browser sends on behalf of a page from elsewhere.

    Programs other than browsers send neither ``Sec-Fetch-Site`` nor ``Origin``, and pass.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or scope["method"] in _SAFE or not _is_foreign(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        detail = "a page of another site sent this; use the service's own page, or a program that is no browser"
        problem = Problem(403, detail, title="Cross-site request")
        await problem_response(problem, scope["path"])(scope, receive, send)


def _is_foreign(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site in ("same-origin", "none"):  # which no page can make a browser say falsely
        return False
    # Behind a proxy the two may differ for the service's own page, too; today's browsers vouched for it above.
    origin = headers.get("origin")
    host = headers.get("host", "").lower()
    return site == "cross-site" or (origin is not None and origin.lower().partition("://")[2] != host)
