"""The one place where bytes become images, for uploads and for training files alike."""

import io
import re
import warnings
from typing import Literal

import PIL.WebPImagePlugin  # noqa: F401  # if memory were short at the first WebP, Pillow would never try again
from PIL import Image, ImageOps, UnidentifiedImageError

from models.images.decoding_memory import lacks_memory
from models.images.jpeg_markers import is_lossless, scans

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
SUFFIXES = frozenset({".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".bmp"})  # of FORMATS
MAX_SCANS = 64  # of a JPEG; ordinary progressive ones have about ten, and each takes time for the whole image
ENOUGH = 750  # pixels of the shorter side that are kept of a large JPEG: more than any learner takes of a photo
LONGEST_SIDE = 65_535  # JPEG's limit; rows have a cost of their own, which a limit on pixels alone does not bound
Fault = Literal["empty", "not an image", "too large", "damaged"]
_DAMAGED = "is damaged or cut short; save it again, or leave it out"
_LARGE_NOTES = re.compile("MAX_TEXT_CHUNK|MAX_TEXT_MEMORY")  # in what Pillow raises
_BEGINNINGS = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF.{4}WEBP|BM.{4}\0{4}", re.DOTALL)  # of FORMATS

_MEDIA_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp", b"BM": "image/bmp"}
MEDIA_TYPES = tuple(_MEDIA_TYPES.values())

# What is odd about an image, such as each of its notes that cannot be read, would fill the log of a service.
warnings.filterwarnings("ignore", module=r"PIL\.")


class UndecodableError(ValueError):
    """Bytes that are not an acceptable image.

    Attributes:
        fault: the kind of fault.
    """

    def __init__(self, fault: Fault, why: str) -> None:
        """Take as ``why`` the end of a sentence that begins with the file's name."""
        super().__init__(why)
        self.fault = fault


def decode(content: bytes, max_pixels: int) -> Image.Image:
    """Decode one image: its first frame, upright, on white where transparent, with 8 bits a channel.

    A large JPEG comes in a half, a quarter or an eighth of its width and height, as far as its shorter side keeps
    ``ENOUGH`` pixels: its decoder takes less than half the time for that, and a small part of the memory.

    Args:
        content: the file.
        max_pixels: limit on width x height; checked before any pixel is decoded.

    Returns:
        An image of mode ``L`` or ``RGB``.

    Raises:
        UndecodableError: for anything but an intact PNG, JPEG, WebP or BMP of at most ``max_pixels`` pixels and
            ``LONGEST_SIDE`` a side, and for a JPEG of more than ``MAX_SCANS`` scans.
        MemoryError: if memory runs out, whatever the bytes are.
    """
    if not content:
        raise UndecodableError("empty", "is empty (0 bytes)")
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        if _BEGINNINGS.match(content):
            raise UndecodableError("damaged", _DAMAGED) from error
        raise UndecodableError("not an image", "is not a PNG, JPEG, WebP or BMP image") from None
    except Image.DecompressionBombError:
        why = f"has more than the {max_pixels} pixels allowed; make it smaller"
        raise UndecodableError("too large", why) from None
    except MemoryError:  # no fault of the image
        raise
    except Exception as error:  # decoders raise almost anything on damaged headers
        raise _undecodable(error, content, max_pixels) from error
    width, height = image.size
    if width * height > max_pixels:
        why = f"has {width} x {height} pixels, more than the {max_pixels} allowed; make it smaller"
        raise UndecodableError("too large", why)
    if max(width, height) > LONGEST_SIDE:
        why = f"has {width} x {height} pixels, and no side may have more than {LONGEST_SIDE}; make it smaller"
        raise UndecodableError("too large", why)
    of_jpeg = image.format in ("JPEG", "MPO")
    if of_jpeg and (several := scans(content)) > MAX_SCANS:
        why = f"has {several} scans, more than the {MAX_SCANS} allowed; save it again as an ordinary JPEG"
        raise UndecodableError("too large", why)
    try:
        if of_jpeg and not is_lossless(content):  # or else it would be refused as damaged
            image.draft(None, (ENOUGH, ENOUGH))
        image.load()
        return _plain(_upright(image))
    except MemoryError:
        raise
    except Exception as error:  # as above, for damaged pixels
        raise _undecodable(error, content, width * height) from error


def _undecodable(error: Exception, content: bytes, pixels: int) -> UndecodableError | MemoryError:
    """Tell want of memory, and notes that unpack to more than Pillow takes (of a sound PNG), from damage."""
    if lacks_memory(content, error, pixels):
        return MemoryError(str(error))
    if isinstance(error, ValueError) and _LARGE_NOTES.search(str(error)):
        why = "cannot be read: its notes or colour profile are too large; save it without metadata"
        return UndecodableError("too large", why)
    return UndecodableError("damaged", _DAMAGED)


def pixels_of(content: bytes) -> int:
    """How many pixels an image declares in its header, without decoding them; 0 for bytes that are no image."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return image.width * image.height
    except Exception:  # as above; decoding will say what is wrong
        return 0


def media_type(content: bytes) -> str:
    """Give the media type of an image that ``decode`` takes, told by its first bytes, as Pillow does."""
    found = (kind for beginning, kind in _MEDIA_TYPES.items() if content.startswith(beginning))
    return next(found, "application/octet-stream")


def _upright(image: Image.Image) -> Image.Image:
    try:
        ImageOps.exif_transpose(image, in_place=True)  # a copy of an upright photo would double its memory
    except MemoryError:
        raise
    except Exception:  # an intact image may carry broken metadata
        pass
    return image


def _plain(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return _from_deep(image)
    if image.format == "BMP" and image.mode == "RGBA" and image.getchannel("A").getbbox() is None:
        return image.convert("RGB")  # many programs leave a BMP's alpha at 0, and browsers show it as opaque, too
    if image.has_transparency_data:
        layers = image if image.mode == "RGBA" else image.convert("RGBA")
        sheet = Image.new("RGB", layers.size, (255, 255, 255))
        sheet.paste(layers, mask=layers)
        return sheet
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """Scale 16 bits a pixel to 8; Pillow's own conversion clips everything above 255."""
    table = [(level + 128) // 257 for level in range(65536)]
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        table[clear] = 255
    return image.convert("I").point(table, "L")
