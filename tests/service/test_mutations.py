"""Sound files with random damage are either still read, or refused as a problem; nothing else may happen."""

import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.problems import Problem
from service.settings import Settings
from service.uploads.archives import support_entries
from service.uploads.images import decode
from tests.service.made_images import drawing, encoded, zipped

NOISE = Image.effect_noise((24, 24), 60)
DEEP = Image.fromarray(np.arange(576, dtype=np.uint16).reshape(24, 24) * 100)
IMAGES = {
    "PNG": drawing(),
    "PNG, palette": encoded(NOISE.convert("P"), transparency=3),
    "PNG, 16 bits": encoded(DEEP),
    "JPEG": encoded(NOISE.convert("RGB"), "JPEG"),
    "JPEG, progressive": encoded(NOISE, "JPEG", progressive=True),
    "WebP": encoded(NOISE.convert("RGBA"), "WEBP"),
    "BMP": encoded(NOISE.convert("RGB"), "BMP"),
}
FILES = {"a/1.png": b"x" * 3000, "b/2.png": b"y" * 40}
EXTREMES = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1")


def mutations(content: bytes, number: int) -> Iterator[bytes]:
    rng = random.Random(7)
    for _ in range(number):
        mutated = bytearray(content)
        for _ in range(rng.choice((1, 1, 2, 5))):
            at = rng.randrange(len(mutated))
            match rng.randrange(5):
                case 0:
                    mutated[at] = rng.randrange(256)
                case 1:
                    mutated[at] ^= 1 << rng.randrange(8)
                case 2:
                    del mutated[at : at + rng.randrange(1, 20)]
                case 3:
                    mutated[at:at] = rng.randbytes(rng.randrange(1, 9))
                case 4:
                    mutated[at : at + 4] = rng.choice(EXTREMES)
        yield bytes(mutated)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", IMAGES)
def test_mutated_images(kind: str) -> None:
    read: list[Image.Image] = []
    refused: list[Problem] = []
    for content in mutations(IMAGES[kind], 300):
        try:
            read.append(decode(content, "x.png", max_pixels=100_000))
        except Problem as problem:
            refused.append(problem)
    assert {problem.status for problem in refused} <= {413, 422}
    assert {problem.file for problem in refused} == {"x.png"}
    for image in read:
        assert image.mode in ("L", "RGB")
        assert image.width * image.height <= 100_000
        assert len(image.tobytes()) == image.width * image.height * len(image.getbands())


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_mutated_archives(packing: int, tmp_path: Path) -> None:
    settings = Settings(max_files=50)
    path = tmp_path / "x.zip"
    read: list[bytes] = []
    refused: list[Problem] = []
    for mutated in mutations(zipped(FILES, packing), 500):
        path.write_bytes(mutated)
        for source in (io.BytesIO(mutated), path):
            try:
                read += [content for _, _, content in support_entries(source, settings)]
            except Problem as problem:
                refused.append(problem)
    assert {problem.status for problem in refused} <= {413, 422}
    assert {problem.field for problem in refused} == {"archive"}
    assert set(read) <= set(FILES.values())  # each entry carries a checksum: damage is seen
