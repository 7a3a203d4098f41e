"""Request bodies for the OpenAPI document: FastAPI does not know them, as routes read and count the stream.

Each is a named object that takes no members beyond its own, and requires only what every request must hold. Where
one field may stand for others, its description says so: programs that generate clients make nothing of rules such
as "either of these is required".
"""

from typing import Any

from models.confidence import KEEP_KNOWN
from service.uploads import expires_in, keep_known
from service.uploads.labels import MAX_CHARACTERS
from service.uploads.media_type import FORM, JSON

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS}


def _list(of: Schema, description: str) -> Schema:
    return {"type": "array", "items": of, "minItems": 1, "description": description}


def _item(name: str, description: str) -> Schema:
    return _list({"$ref": f"#/components/schemas/{name}"}, description)


def _object(description: str, properties: dict[str, Schema], required: list[str]) -> Schema:
    rules: Schema = {"additionalProperties": False} | ({"required": required} if required else {})
    return {"type": "object", "description": description, "properties": properties, **rules}


_FILE: Schema = {"type": "string", "format": "binary"}
_BASE64: Schema = {"type": "string", "format": "byte"}
_IMAGE: Schema = {
    "image": {**_BASE64, "description": "PNG, JPEG, WebP or BMP in base64, or its data: URL"},
    "filename": {
        "type": "string",
        "description": "what answers call it; by default its place in the list",
    },
}
_SET = "a zip with a folder per class, in place of support"
_SUPPORT_FORM = {
    "support": _list(_FILE, "labelled images"),
    "labels": _list(_TEXT, "one for each of support, in order"),
    "archive": {**_FILE, "description": f"{_SET} and labels"},
}
_SUPPORT_JSON = {
    "support": _item("SupportItem", "labelled images"),
    "archive": {**_BASE64, "description": f"{_SET}; in base64"},
}
_QUERY_FORM = {"query": _list(_FILE, "images to classify")}
_QUERY_JSON = {"query": _item("QueryItem", "images to classify")}
_SCORED = "a zip of images, in place of query"
_MODEL = {"model": {**_TEXT, "default": "auto", "description": "an initialization's name, or auto"}}
_KEPT = {"model": {**_TEXT, "default": "auto", "description": "the task's own model, or auto"}}
_CHANGED = {
    "model": {
        **_TEXT,
        "default": "auto",
        "description": "the task's own model, which it then keeps in this change, or auto, which chooses again "
        "if it chose that model",
    }
}
_KEEP_KNOWN = {
    keep_known.FIELD: {
        "type": "number",
        "minimum": keep_known.LEAST,
        "maximum": keep_known.MOST,
        "default": KEEP_KNOWN,
        "description": "share of images of known classes to be told known; others are flagged unknown",
    }
}
_LABEL = {"label": {**_TEXT, "description": "of the class, which may be a new one"}}
_NAME = {"name": {**_TEXT, "description": "of the task"}}
_EXPIRES_IN = {
    expires_in.FIELD: {
        "type": "integer",
        "minimum": expires_in.LEAST,
        "maximum": expires_in.MOST,
        "description": "seconds without use after which the task is deleted; left out, it is kept for good",
    }
}
_MAKING = _MODEL | _NAME | _EXPIRES_IN
_OF_FORM = "support with as many labels, or archive"
_OF_JSON = "support or archive"
_OF_JOB = "Images to score: give either archive or query."

SCHEMAS = {
    "SupportItem": _object("A labelled image.", {"label": _TEXT, **_IMAGE}, ["label", "image"]),
    "QueryItem": _object("An image to classify.", _IMAGE, ["image"]),
    "ClassifyForm": _object(
        f"Labelled images and those to classify: give {_OF_FORM}; and query.",
        _SUPPORT_FORM | _QUERY_FORM | _MODEL | _KEEP_KNOWN,
        ["query"],
    ),
    "ClassifyJson": _object(
        f"Labelled images and those to classify: give {_OF_JSON}; and query.",
        _SUPPORT_JSON | _QUERY_JSON | _MODEL | _KEEP_KNOWN,
        ["query"],
    ),
    "NewTaskForm": _object(f"Labelled images to learn from: give {_OF_FORM}.", _SUPPORT_FORM | _MAKING, []),
    "NewTaskJson": _object(f"Labelled images to learn from: give {_OF_JSON}.", _SUPPORT_JSON | _MAKING, []),
    "NewExamplesForm": _object(f"Labelled images to add: give {_OF_FORM}.", _SUPPORT_FORM | _CHANGED, []),
    "NewExamplesJson": _object(f"Labelled images to add: give {_OF_JSON}.", _SUPPORT_JSON | _CHANGED, []),
    "QueriesForm": _object("Images to classify.", _QUERY_FORM | _KEPT | _KEEP_KNOWN, ["query"]),
    "QueriesJson": _object("Images to classify.", _QUERY_JSON | _KEPT | _KEEP_KNOWN, ["query"]),
    "NewJobForm": _object(
        _OF_JOB, {"archive": {**_FILE, "description": _SCORED}} | _QUERY_FORM | _KEPT | _KEEP_KNOWN, []
    ),
    "NewJobJson": _object(
        _OF_JOB,
        {"archive": {**_BASE64, "description": f"{_SCORED}; in base64"}} | _QUERY_JSON | _KEPT | _KEEP_KNOWN,
        [],
    ),
    "NewLabelForm": _object("The class that an example is to move to.", _LABEL, ["label"]),
    "NewLabelJson": _object("The class that an example is to move to.", _LABEL, ["label"]),
    "NewNameForm": _object("The name to keep a task under.", _NAME, ["name"]),
    "NewNameJson": _object("The name to keep a task under.", _NAME, ["name"]),
}


def _body(name: str) -> Schema:
    """Describe a body, which is a form or JSON."""
    content = {
        kind: {"schema": {"$ref": f"#/components/schemas/{name}{suffix}"}}
        for kind, suffix in ((FORM, "Form"), (JSON, "Json"))
    }
    return {"requestBody": {"required": True, "content": content}}


CLASSIFY, CREATE, KEEP = _body("Classify"), _body("NewTask"), _body("NewName")
ADD, MOVE, ASK, JOB = _body("NewExamples"), _body("NewLabel"), _body("Queries"), _body("NewJob")
