"""Request bodies for the OpenAPI document: FastAPI does not know them, as routes read and count the stream."""

from typing import Any

from models.confidence import KEEP_KNOWN
from service.uploads import expires_in, keep_known

_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}
_ARCHIVE = {
    "type": "string",
    "format": "binary",
    "description": "a zip with a folder per class, in place of support and labels",
}
_IMAGE = {"type": "string", "format": "byte", "description": "PNG, JPEG, WebP or BMP in base64, or its data: URL"}
_SUPPORT_FORM = {
    "support": {**_FILES, "description": "labelled images"},
    "labels": {"type": "array", "items": {"type": "string"}, "description": "one for each of support, in order"},
    "archive": _ARCHIVE,
}
_ARCHIVE_JSON = {
    "archive": {**_ARCHIVE, "format": "byte", "description": f"{_ARCHIVE['description']}; in base64"}
}
_SUPPORT_JSON = {
    "support": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["label", "image"],
            "properties": {"label": {"type": "string"}, "image": _IMAGE, "filename": {"type": "string"}},
        },
    },
    **_ARCHIVE_JSON,
}
_QUERY_FORM = {"query": {**_FILES, "description": "images to classify"}}
_QUERY_JSON = {
    "query": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["image"],
            "properties": {"image": _IMAGE, "filename": {"type": "string"}},
        },
    }
}
_MODEL = {"model": {"type": "string", "default": "auto", "description": "an initialization's name, or auto"}}
_KEEP_KNOWN = {
    keep_known.FIELD: {
        "type": "number",
        "minimum": keep_known.LEAST,
        "maximum": keep_known.MOST,
        "default": KEEP_KNOWN,
        "description": "share of images of known classes to be told known; others are flagged unknown",
    }
}
_NAME = {"name": {"type": "string", "description": "of the task"}}
_EXPIRES_IN = {
    expires_in.FIELD: {
        "type": "integer",
        "minimum": expires_in.LEAST,
        "maximum": expires_in.MOST,
        "description": "seconds without use after which the task is deleted; left out, it is kept for good",
    }
}


# Which fields are required.
_EXAMPLES_FORM = {"anyOf": [{"required": ["support", "labels"]}, {"required": ["archive"]}]}
_EXAMPLES_JSON = {"anyOf": [{"required": ["support"]}, {"required": ["archive"]}]}
_QUERIES = {"required": ["query"]}
_EITHER = {"oneOf": [{"required": ["archive"]}, {"required": ["query"]}]}


def _body(
    form: dict[str, Any], document: dict[str, Any], of_form: dict[str, Any], of_document: dict[str, Any]
) -> dict[str, Any]:
    """Describe a body: the fields of a form, the members of a JSON object, and which of each are required."""
    content = {
        "multipart/form-data": {"schema": {"type": "object", "properties": form, **of_form}},
        "application/json": {"schema": {"type": "object", "properties": document, **of_document}},
    }
    return {"requestBody": {"required": True, "content": content}}


CLASSIFY = _body(
    _SUPPORT_FORM | _QUERY_FORM | _MODEL | _KEEP_KNOWN,
    _SUPPORT_JSON | _QUERY_JSON | _MODEL | _KEEP_KNOWN,
    _EXAMPLES_FORM | _QUERIES,
    _EXAMPLES_JSON | _QUERIES,
)
_MAKING = _MODEL | _NAME | _EXPIRES_IN
CREATE = _body(_SUPPORT_FORM | _MAKING, _SUPPORT_JSON | _MAKING, _EXAMPLES_FORM, _EXAMPLES_JSON)
KEEP = _body(_NAME, _NAME, {"required": ["name"]}, {"required": ["name"]})
_KEPT = {"model": {**_MODEL["model"], "description": "the task's own model, or auto"}}
_SCORED = "a zip of images, in place of query"
ADD = _body(_SUPPORT_FORM | _KEPT, _SUPPORT_JSON | _KEPT, _EXAMPLES_FORM, _EXAMPLES_JSON)
ASK = _body(_QUERY_FORM | _KEPT | _KEEP_KNOWN, _QUERY_JSON | _KEPT | _KEEP_KNOWN, _QUERIES, _QUERIES)
JOB = _body(
    {"archive": {**_ARCHIVE, "description": _SCORED}} | _QUERY_FORM | _KEPT | _KEEP_KNOWN,
    {"archive": {**_ARCHIVE_JSON["archive"], "description": f"{_SCORED}; in base64"}}
    | _QUERY_JSON
    | _KEPT
    | _KEEP_KNOWN,
    _EITHER,
    _EITHER,
)
