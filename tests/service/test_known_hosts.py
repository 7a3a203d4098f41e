"""A page that lets its own name resolve to this machine reaches nothing; proxies, networks and programs do."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from service.middleware.known_hosts import KnownHosts
from tests.service.tiny_service import at_an_address, serving


def status(host: str, server: tuple[str, int | None] | None, hosts: tuple[str, ...] = ()) -> int:
    """Ask an application that got a request for ``host`` at the address and port ``server``."""
    app = KnownHosts(Starlette(routes=[Route("/", lambda _: PlainTextResponse("yes"))]), hosts)

    async def at_server(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "server": server}, receive, send)

    return TestClient(at_server).get("/", headers={"Host": host}).status_code


@pytest.mark.parametrize(
    ("host", "server", "answered"),
    [
        ("outside.example:3000", ("127.0.0.1", 3000), False),
        ("Outside.Example:3000", ("::1", 3000), False),
        ("localhost.outside.example:3000", ("127.0.0.1", 3000), False),
        ("127.0.0.1.outside.example:3000", ("127.0.0.1", 3000), False),
        ("outside.example", ("127.0.0.1", 80), False),
        ("localhost:3000", ("127.0.0.1", 3000), True),
        ("localhost.:3000", ("127.0.0.1", 3000), True),
        ("demo.localhost:3000", ("127.0.0.1", 3000), True),
        ("127.0.0.1:3000", ("127.0.0.1", 3000), True),
        ("[::1]:3000", ("::1", 3000), True),
        ("gpu-box:3000", ("127.0.1.1", 3000), True),  # no name of the public DNS
        ("", ("127.0.0.1", 3000), True),  # of no browser
        ("outside.example", ("127.0.0.1", 3000), True),  # a proxy's, which passes on what it was asked for
        ("outside.example:8443", ("127.0.0.1", 3000), True),
        ("gpu-box:3000", ("192.0.2.7", 3000), True),  # over a network, or into a container
        ("outside.example:3000", ("/run/metashot.sock", None), True),
        ("outside.example:3000", None, True),
    ],
)
def test_a_name_that_a_page_could_have_chosen(
    host: str, server: tuple[str, int | None] | None, answered: bool
) -> None:
    assert status(host, server) == (200 if answered else 421)


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("images.example", True),
        ("IMAGES.example:8443", True),
        ("localhost:3000", True),
        ("192.0.2.7:3000", True),
        ("outside.example", False),
        ("pictures.images.example", False),
        ("http://images.example", False),
        ("gpu-box", False),
    ],
)
def test_where_names_are_listed_no_others_are_answered(host: str, answered: bool) -> None:
    for server in (("127.0.0.1", 3000), ("192.0.2.7", 3000)):
        assert status(host, server, ("images.example",)) == (200 if answered else 421)


def test_the_service_refuses_every_method_and_says_what_to_do(tmp_path: Path) -> None:
    with at_an_address(tmp_path) as address, httpx.Client(base_url=address) as client:
        rebound = {"Host": f"outside.example:{address.rpartition(':')[2]}"}
        for method, path in (
            ("GET", "/v1/tasks"),
            ("GET", "/"),
            ("DELETE", "/v1/tasks/x"),
            ("POST", "/v1/tasks"),
        ):
            answer = client.request(method, path, headers=rebound)
            assert (answer.status_code, answer.headers["content-type"]) == (421, "application/problem+json")
            if method != "HEAD":
                detail = answer.json()["detail"]
                assert all(words in detail for words in ("outside.example is", "localhost", "METASHOT_HOSTS"))
        assert client.get("/v1/tasks").status_code == 200


def test_the_setting_reaches_the_service(tmp_path: Path) -> None:
    with serving(tmp_path, hosts=("images.example",)) as client:
        assert client.get("/v1/tasks", headers={"Host": "images.example"}).status_code == 200
        assert client.get("/v1/tasks", headers={"Host": "outside.example"}).status_code == 421
