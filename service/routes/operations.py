"""``/metrics``, and problem answers for unknown paths and methods."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.routing import Match, Route

from service.metrics import Metrics
from service.problems import Problem, problem_response

_OF_BENTOML = ("/livez", "/healthz", "/readyz")  # addresses that it answers itself, to GET
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def add_metrics(app: FastAPI, metrics: Metrics) -> None:
    """Serve the metrics in Prometheus' text format."""

    @app.get("/metrics", include_in_schema=False)
    def exposition() -> PlainTextResponse:
        return PlainTextResponse(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


def add_unknown(app: FastAPI) -> None:
    """Answer 404 and 405 here: the server around this application would do so in plain text.

    At an address that a slash more or less would lead somewhere, it would even redirect the caller, to whatever
    server the request's ``Host`` names.
    """
    known = [*app.routes, *(Route(path, lambda _: None) for path in _OF_BENTOML)]

    @app.api_route("/{path:path}", methods=_METHODS, include_in_schema=False)
    @app.api_route("/v1", methods=_METHODS, include_in_schema=False)
    @app.api_route("/v1/{path:path}", methods=_METHODS, include_in_schema=False)
    def unknown(request: Request) -> None:
        raise problem_of(request)

    async def on_method(request: Request, _: Exception) -> JSONResponse:
        return problem_response(problem_of(request), request.scope["path"])

    def problem_of(request: Request) -> Problem:
        path = request.scope["path"]

        def takes(method: str) -> bool:
            scope = {**request.scope, "method": "GET" if method == "HEAD" else method}
            return any(route.matches(dict(scope))[0] == Match.FULL for route in known)

        allowed = [method for method in _METHODS if takes(method)]
        if allowed:
            detail = f"{request.method} is not for {path}; {', '.join(allowed)} is"
            return Problem(405, detail, headers={"Allow": ", ".join(allowed)})
        return Problem(404, f"there is nothing at {path}; /docs.json lists the routes")

    # Raised for methods beyond ours, about the first route that has the path, whatever other routes take there.
    app.add_exception_handler(HTTPStatus.METHOD_NOT_ALLOWED, on_method)
