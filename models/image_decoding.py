"""The one place where bytes become images, for uploads and for training files alike."""

import io
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
Fault = Literal["empty", "not an image", "too large", "damaged"]


class UndecodableError(ValueError):
    """Bytes that are no image we take.

    Attributes:
        fault: what kind of fault it is.
    """

    def __init__(self, fault: Fault, why: str) -> None:
        """Give ``why`` as the end of a sentence that begins with the file's name."""
        super().__init__(why)
        self.fault = fault


def decode(content: bytes, max_pixels: int) -> Image.Image:
    """Decode one image: its first frame, upright, on white where transparent, 8 bits a channel.

    Args:
        content: the file.
        max_pixels: width x height; checked before any pixel is decoded.

    Returns:
        An image of mode ``L`` or ``RGB``.

    Raises:
        UndecodableError: for anything that is not a sound PNG, JPEG, WebP or BMP of at most so many pixels.
    """
    if not content:
        raise UndecodableError("empty", "is empty (0 bytes)")
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        raise UndecodableError("not an image", "is not a PNG, JPEG, WebP or BMP image") from None
    except Image.DecompressionBombError:
        why = f"has more than the {max_pixels} pixels allowed; make it smaller"
        raise UndecodableError("too large", why) from None
    except Exception as error:  # decoders raise almost anything on damaged headers
        raise UndecodableError("damaged", f"is damaged: {_reason(error)}") from error
    width, height = image.size
    if width * height > max_pixels:
        why = f"has {width} x {height} pixels, more than the {max_pixels} allowed; make it smaller"
        raise UndecodableError("too large", why)
    try:
        image.load()
        return _plain(_upright(image))
    except Exception as error:  # as above, for damaged pixels
        raise UndecodableError("damaged", f"is damaged or cut short: {_reason(error)}") from error


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
