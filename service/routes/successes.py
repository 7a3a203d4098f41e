"""What the OpenAPI document says about answers beyond their JSON models."""

from typing import Any

from models.images.image_decoding import MEDIA_TYPES as MEDIA_TYPES_OF_IMAGES
from service.results import MEDIA_TYPES, Format
from service.routes.refusals import Responses

_LOCATION = {"Location": {"description": "address of what was made", "schema": {"type": "string"}}}
_ROWS: dict[Format, dict[str, Any]] = {
    "jsonl": {"type": "string", "description": "a line for each image: a prediction, or filename with error"},
    "csv": {"type": "string", "description": "a row for each image, below a row of the columns' names"},
    "parquet": {"type": "string", "format": "binary"},
}

MADE: Responses = {201: {"headers": _LOCATION}}
PICTURE: Responses = {
    200: {
        "description": "the file as it was uploaded",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES_OF_IMAGES},
    },
    304: {"description": "the caller has it, as If-None-Match says"},
}
TAKEN: Responses = {202: {"headers": _LOCATION}}
RESULTS: Responses = {
    200: {
        "description": "the rows so far, in the format asked for",
        "content": {MEDIA_TYPES[kind]: {"schema": rows} for kind, rows in _ROWS.items()},
    }
}
