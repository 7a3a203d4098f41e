"""What a route takes, as callers are told who send something else."""

from typing import Literal

from service.problems import Problem
from service.uploads import archives

Wants = frozenset[Literal["support", "query"]]  # the images that a route needs
_FIELDS = {"support": ("support", "labels", archives.FIELD), "query": ("query",)}
_ADVICE = {
    "support": "labelled images as 'support' with as many 'labels', or as 'archive' (a zip)",
    "query": "images to classify as 'query'",
}


def fields_of(wants: Wants) -> set[str]:
    """Give the fields in which a route takes images and what belongs to them."""
    return {field for one in wants for field in _FIELDS[one]}


def unexpected(field: str, wants: Wants, file: str | None = None) -> Problem:
    """Make the 422 Problem for images, or a ``file``, in a field that the route takes none in."""
    advice = " and ".join(_ADVICE[one] for one in sorted(wants)) or "texts alone"
    detail = f"this route takes no {'images' if file is None else 'file'} as {field!r}; send {advice}"
    return Problem(422, detail, title="Unexpected field", file=file, field=field)
