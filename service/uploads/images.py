"""Decodes uploaded images by ``models.images``; what that refuses becomes a problem that names the file."""

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
