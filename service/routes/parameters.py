"""Query parameters that a route does not take: if ignored, a misspelt one would change the answer unseen."""

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute

from service.problems import Problem
from service.uploads.labels import printable


async def check_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not declare, or that are given twice; for ``Depends``.

    Raises:
        Problem: 422, naming the parameter and those that the route takes.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    if not given:
        return
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = [one.alias for one in get_flat_params(route.dependant) if isinstance(one.field_info, Query)]
    for name in given:
        if name not in known:
            raise _unexpected(name, f"is no parameter of this address, which takes {_taken(route, known)}")
    for name in known:
        if given.count(name) > 1:
            raise _unexpected(name, "is given twice")


def _taken(route: APIRoute, known: list[str]) -> str:
    has_body = "requestBody" in (route.openapi_extra or {})
    else_ = "send all else in the body" if has_body else "write a ? within the address itself as %3F"
    if known:
        return f"{', '.join(known)}; {else_}"
    return f"none; {'send it in the body' if has_body else f'leave it out, and {else_}'}"


def _unexpected(name: str, why: str) -> Problem:
    told = printable(name)
    return Problem(422, f"{told!r} {why}", title="Unexpected parameter", field=told)
