"""The one place where uploaded bytes become images."""

import io
from typing import Never

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from service.problems import Problem

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")


def decode(content: bytes, filename: str, *, max_pixels: int, field: str | None = None) -> Image.Image:
    """Decode one image: its first frame, upright, on white where transparent, 8 bits a channel.

    Args:
        content: the file.
        filename: as problems name it.
        max_pixels: width x height; checked before any pixel is decoded.
        field: as problems name it.

    Returns:
        An image of mode ``L`` or ``RGB``.

    Raises:
        Problem: 413 for too many pixels, 422 for anything that is not a sound image.
    """

    def refuse(status: int, title: str, why: str) -> Never:
        raise Problem(status, f"{filename} {why}", title=title, file=filename, field=field)

    if not content:
        refuse(422, "Empty file", "is empty (0 bytes)")
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        refuse(422, "Not an image", "is not a PNG, JPEG, WebP or BMP image")
    except Image.DecompressionBombError:
        refuse(413, "Too many pixels", f"has more than the {max_pixels} pixels allowed; make it smaller")
    except Exception as error:  # decoders raise almost anything on damaged headers
        refuse(422, "Damaged image", f"is damaged: {_reason(error)}")
    width, height = image.size
    if width * height > max_pixels:
        why = f"has {width} x {height} pixels, more than the {max_pixels} allowed; make it smaller"
        refuse(413, "Too many pixels", why)
    try:
        image.load()
        return _plain(_upright(image))
    except Exception as error:  # as above, for damaged pixels
        refuse(422, "Damaged image", f"is damaged or cut short: {_reason(error)}")


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a sound image may carry broken notes about itself
        return image


def _plain(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if image.has_transparency_data:
        layers = image.convert("RGBA")
        sheet = Image.new("RGBA", layers.size, (255, 255, 255, 255))
        return Image.alpha_composite(sheet, layers).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """Scale 16 bits a pixel to 8; Pillow's own conversion cuts everything above 255 off."""
    levels = np.asarray(image).astype(np.float64) / 257
    return Image.fromarray(np.clip(np.round(levels), 0, 255).astype(np.uint8))


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
