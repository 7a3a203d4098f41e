"""``/docs.json``: the OpenAPI document of the routes, and of the addresses that BentoML answers beside them."""

from typing import Any

from fastapi import FastAPI

from service.answers import ProblemAnswer
from service.routes.request_bodies import SCHEMAS


def _operation(name: str, summary: str, answers: dict[str, str]) -> dict[str, Any]:
    text = {"text/plain": {"schema": {"type": "string"}}}
    responses = {status: {"description": why, "content": text} for status, why in answers.items()}
    described = {"tags": ["operations"], "operationId": name, "summary": summary, "responses": responses}
    return {"get": described}


_OPERATIONS = {
    "/livez": _operation("livez", "Live", {"200": "the process answers"}),
    "/healthz": _operation("healthz", "Live, by an older name", {"200": "the process answers"}),
    "/readyz": _operation(
        "readyz",
        "Ready",
        {"200": "requests are taken", "503": "no initialization is on offer, or DATA_DIR is gone"},
    ),
    "/metrics": _operation("metrics", "Metrics", {"200": "Prometheus' text format"}),
}


def add_document(app: FastAPI) -> None:
    """Serve the document in place of BentoML's own, which describes answers that this service never gives."""

    @app.api_route("/docs.json", methods=["GET", "HEAD"], include_in_schema=False)
    def document() -> dict[str, Any]:
        described = app.openapi()
        schemas = described["components"]["schemas"] | SCHEMAS
        schemas["ProblemAnswer"] = ProblemAnswer.model_json_schema()
        return {**described, "paths": described["paths"] | _OPERATIONS, "components": {"schemas": schemas}}
