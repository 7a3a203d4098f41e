"""Tells want of memory from damage, where a decoder calls both damage: of WebP, and of JPEGs of several scans."""

# Most bytes a pixel beside Pillow's own, whose lack it tells: coefficients of 16 bits in four channels; and a
# frame, two canvases and a copy.
_JPEG, _WEBP = 8, 16
_SOME = 1 << 20


def lacks_memory(content: bytes, error: Exception, pixels: int) -> bool:
    """Whether decoding may have failed because memory ran out: there is less free than it can take.

    Args:
        content: the file.
        error: what the decoder raised.
        pixels: width x height of the image, if it could be opened, or the most that it may have.
    """
    if "out of memory" in str(error):  # Pillow's words for what its other decoders tell
        return True
    size = _SOME
    if content.startswith(b"RIFF"):
        size += _WEBP * min(pixels, _webp_pixels(content))
    elif content.startswith(b"\xff\xd8") and "broken data" in str(error):  # not of one that is cut short
        size += _JPEG * pixels
    try:
        bytes(size)  # of zeros that the system need not write, as it does those of a bytearray
    except MemoryError:
        return True
    return False


def _webp_pixels(content: bytes) -> int:
    """Width x height by the header of a WebP (RFC 9649, 2.5 to 2.7); any number for a damaged one."""
    if content[12:16] == b"VP8X":
        sides = content[24:27], content[27:30]
        width, height = (int.from_bytes(side, "little") + 1 for side in sides)
    elif content[12:16] == b"VP8L":
        packed = int.from_bytes(content[21:25], "little")
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    else:
        width, height = (int.from_bytes(side, "little") & 0x3FFF for side in (content[26:28], content[28:30]))
    return width * height
