"""What the OpenAPI document says about error answers, all of which are problems (see ``service.problems``)."""

from typing import Any

from service.problems import MEDIA_TYPE

Responses = dict[int | str, dict[str, Any]]
# No ``model``, which FastAPI would put under JSON's media type; ``service.routes.document`` adds the schema.
_PROBLEM: dict[str, Any] = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}}}
_RETRY = {"Retry-After": {"description": "seconds to wait before the next try", "schema": {"type": "integer"}}}

FAULTY: Responses = {
    "4XX": {"description": "what is wrong, and what to do", **_PROBLEM},
    500: {"description": "an unexpected error; the service's log has more under its number", **_PROBLEM},
}
BUSY: Responses = {503: {"description": "too much to do at present", "headers": _RETRY, **_PROBLEM}}
STORING: Responses = {**BUSY, 507: {"description": "the service's disk is full", **_PROBLEM}}
COMPUTING: Responses = {**BUSY, 504: {"description": "the answer was not ready in time", **_PROBLEM}}
