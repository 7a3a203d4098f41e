"""Image files and archives made for the tests."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw


def write(path: Path, content: bytes) -> None:
    """Write a file, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def drawing(seed: int = 0, side: int = 40) -> bytes:
    """A PNG of a black stroke on white; other strokes for other seeds."""
    sheet = Image.new("L", (side, side), 255)
    points = [(4 + (seed * 7 + k * 11) % (side - 8), 4 + (seed * 5 + k * k * 3) % (side - 8)) for k in range(4)]
    ImageDraw.Draw(sheet).line(points, fill=0, width=3)
    return encoded(sheet)


def bomb(width: int, height: int) -> bytes:
    """A tiny PNG that claims to be huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name) if compression == zipfile.ZIP_STORED else name, content)
    return archive.getvalue()


def photograph(seed: int = 0, side: int = 60) -> bytes:
    """A PNG of soft patches of all brightnesses, as far from ink on paper as photographs are."""
    generator = random.Random(seed)
    patches = Image.new("RGB", (7, 7))
    patches.putdata(
        [(generator.randrange(256), generator.randrange(256), generator.randrange(256)) for _ in range(49)]
    )
    return encoded(patches.resize((side, side), Image.Resampling.BICUBIC))
