"""Keeps pages from reaching the service by a name of theirs that they let resolve to it (DNS rebinding)."""

import ipaddress
import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.problems import Problem, problem_response
from service.uploads.labels import printable

_HOST = re.compile(r"(?P<name>.*?)(:(?P<port>\d{1,5}))?", re.DOTALL)


class KnownHosts:
    """Pure ASGI middleware that refuses requests for a name which is not the service's.

    To a browser, such a page and the service are one site. It reaches what listens on the browser's own machine
    alone, only by the port that it has itself, where a proxy has another, and by a name of the public DNS, which
    has a dot. So unless ``hosts`` are listed, all other requests pass. ``localhost`` and IP addresses always do.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http":
            found = _HOST.fullmatch(Headers(scope=scope).get("host", ""))
            assert found is not None, "it matches every text"
            name = found["name"].lower().removesuffix(".")
            foreign = name not in self._hosts and not _is_local(name)
            if foreign and (self._hosts or _may_be_rebound(scope, name, int(found["port"] or 80))):
                await problem_response(_unknown(name), scope["path"])(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _may_be_rebound(scope: Scope, name: str, port: int) -> bool:
    address, own_port = scope.get("server") or ("", None)
    own = port == own_port and _is_address(address) and ipaddress.ip_address(address).is_loopback
    return own and "." in name


def _is_local(name: str) -> bool:
    """Whether no page from elsewhere can have this name; none at all is sent by no browser."""
    return name in ("", "localhost") or name.endswith(".localhost") or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _unknown(name: str) -> Problem:
    detail = (
        f"{printable(name)} is not known as a name of this service; use localhost or 127.0.0.1 in its place, or, "
        "if it is one, add it to METASHOT_HOSTS (names, separated by commas) and start the service again"
    )
    return Problem(421, detail, title="Unknown host")
