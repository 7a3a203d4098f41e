"""Uploaded images, decoded by ``models.images``; what that refuses becomes a problem that names the file."""

import dataclasses
import hashlib
from dataclasses import dataclass
from functools import cached_property

from PIL import Image

from models.images.image_decoding import Fault, UndecodableError
from models.images.image_decoding import decode as decode_bytes
from service.problems import Problem

_STATUS_AND_TITLE: dict[Fault, tuple[int, str]] = {
    "empty": (422, "Empty file"),
    "not an image": (422, "Not an image"),
    "too large": (413, "Image too large"),
    "damaged": (422, "Damaged image"),
}


@dataclass(frozen=True)
class Query:
    """An image to classify, as it came: only decoding tells whether it is one.

    Attributes:
        filename: what answers and problems call it.
        content: the file.
        max_pixels: the width x height that it may have at most.
        field: the form field or JSON member that it came by.
    """

    filename: str
    content: bytes
    max_pixels: int
    field: str = "query"

    @property
    def image(self) -> Image.Image:
        """The image, decoded anew at each access; raises a Problem that names the file if it is none."""
        return decode(self.content, self.filename, max_pixels=self.max_pixels, field=self.field)


@dataclass(frozen=True)
class Example(Query):
    """A labelled support image, as it came, with a checked label.

    Attributes:
        label: its class.
        label_field: the form field or JSON member that the label came by.
    """

    field: str = "support"
    label: str = dataclasses.field(kw_only=True)
    label_field: str = "labels"

    @cached_property
    def sha256(self) -> str:
        """The file's sha256, in hexadecimal; the first access reads the whole file."""
        return hashlib.sha256(self.content).hexdigest()


def decode(content: bytes, filename: str, *, max_pixels: int, field: str | None = None) -> Image.Image:
    """Decode one uploaded image to mode ``L`` or ``RGB``.

    Args:
        content: the file.
        filename: what problems call it.
        max_pixels: width x height; checked before any pixel is decoded.
        field: the form field or JSON member at fault, as problems name it.

    Raises:
        Problem: 413 for too many pixels or scans or too long a side, 422 for anything that is no sound image.
    """
    try:
        return decode_bytes(content, max_pixels)
    except UndecodableError as error:
        status, title = _STATUS_AND_TITLE[error.fault]
        raise Problem(status, f"{filename} {error}", title=title, file=filename, field=field) from error
