"""Large photographs are decoded in a part of their size, and look to a learner as they did in full."""

import io
import struct
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from models.images.image_decoding import ENOUGH, UndecodableError, decode
from models.images.preprocessing import Preprocessing

LIMIT = 50_000_000
LEARNERS = [Preprocessing("photo", side, 3, mean=(0.0,) * 3, std=(1.0,) * 3) for side in (84, 224)]
LEARNERS.append(Preprocessing("drawing", 42, 1, margin=0.1))


@cache
def sheet(width: int, height: int) -> Image.Image:
    """A stroke on paper that is unevenly lit, with a camera's noise."""
    image = Image.new("L", (width, height), 220)
    points = [(0.3, 0.3), (0.3, 0.7), (0.6, 0.7), (0.45, 0.45), (0.6, 0.3)]
    ImageDraw.Draw(image).line([(x * width, y * height) for x, y in points], fill=60, width=height // 40)
    light = np.linspace(-10, 10, width)[None] + np.random.default_rng(0).normal(0, 3, (height, width))
    return Image.fromarray(np.clip(np.asarray(image) + light, 0, 255).astype(np.uint8)).convert("RGB")


def jpeg(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90, **options)
    return file.getvalue()


def in_full(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


@pytest.mark.parametrize(
    ("size", "decoded"),
    [
        ((2 * ENOUGH - 1, 2 * ENOUGH), (2 * ENOUGH - 1, 2 * ENOUGH)),
        ((2 * ENOUGH, 2 * ENOUGH + 2), (ENOUGH, ENOUGH + 1)),
        ((6 * ENOUGH, 4 * ENOUGH), (3 * ENOUGH // 2, ENOUGH)),
        ((8000, ENOUGH), (8000, ENOUGH)),  # what a learner of squares sees of it is no larger than this
    ],
)
def test_a_jpeg_is_halved_while_its_shorter_side_stays_long_enough(
    size: tuple[int, int], decoded: tuple[int, int]
) -> None:
    assert decode(jpeg(Image.new("RGB", size)), LIMIT).size == decoded


@pytest.mark.parametrize("learner", LEARNERS, ids=["84", "224", "drawing"])
def test_a_learner_sees_a_large_photograph_as_in_full(learner: Preprocessing) -> None:
    content = jpeg(sheet(3200, 2400))
    seen, full = learner(decode(content, LIMIT)), learner(in_full(content))
    other = learner(in_full(jpeg(sheet(3200, 2400).transpose(Image.Transpose.ROTATE_180))))
    off = (seen - full).abs()
    assert off.mean() < (0.02 if learner.kind == "drawing" else 0.002)  # drawings stretch the contrast
    assert off.mean() < 0.05 * (other - full).abs().mean()


def test_also_in_grey_progressive_or_turned() -> None:
    image = sheet(2000, 1600)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    turned = decode(jpeg(image, exif=exif), LIMIT)
    assert turned.size == (800, 1000)
    upright = np.asarray(decode(jpeg(image), LIMIT), dtype=float)
    assert np.abs(np.rot90(upright, -1) - np.asarray(turned)).mean() < 1
    progressive = np.asarray(decode(jpeg(image, progressive=True), LIMIT), dtype=float)
    assert np.abs(progressive - upright).mean() < 1
    assert decode(jpeg(image.convert("L")), LIMIT).mode == "L"


def test_one_of_the_lossless_kind_comes_in_full() -> None:
    side = 2 * ENOUGH
    frame = struct.pack(">BHHBBBB", 8, side, side, 1, 1, 0x11, 0)  # 8 bits a pixel, grey
    code = bytes([0, 1, *bytes(15), 0])  # a bit 0 for "as predicted"
    scan = bytes([1, 1, 0, 1, 0, 0])  # predicted from the left, at first half of full scale
    segments = [(0xC3, frame), (0xC4, code), (0xDA, scan)]
    head = b"".join(struct.pack(">BBH", 0xFF, mark, 2 + len(body)) + body for mark, body in segments)
    image = decode(b"\xff\xd8" + head + bytes(side * side // 8) + b"\xff\xd9", LIMIT)
    assert (image.size, image.getextrema()) == ((side, side), (128, 128))


def test_a_large_jpeg_that_is_cut_short_is_refused_all_the_same() -> None:
    content = jpeg(sheet(2000, 1600))
    with pytest.raises(UndecodableError, match="cut short"):
        decode(content[: len(content) * 9 // 10], LIMIT)


def test_a_large_image_of_another_kind_keeps_its_size_and_is_seen_alike() -> None:
    image = sheet(2400, 1800)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    kept = decode(file.getvalue(), LIMIT)
    assert kept.size == image.size
    for learner in LEARNERS[:2]:
        seen = learner(kept)
        exact = image.crop((300, 0, 2100, 1800)).resize((learner.side,) * 2, Image.Resampling.BICUBIC)
        off = seen - torch.from_numpy(np.array(exact)).permute(2, 0, 1) / 255
        assert off.abs().max() < 4 / 255
