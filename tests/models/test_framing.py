"""Finding ink, framing it, and both in C, against the plain way of doing each."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from models.images import preprocessing
from models.images.framing import frame
from models.images.ink import find_ink
from models.kernels.native import compiled
from models.kernels.native.drawing import draw

SIDE = 224


def pillows(levels, centre, extent):
    step = extent / SIDE
    coefficients = (step, 0.0, centre[1] - extent / 2, 0.0, step, centre[0] - extent / 2)
    bilinear = Image.Resampling.BILINEAR
    image = Image.fromarray(levels).transform((SIDE, SIDE), Image.Transform.AFFINE, coefficients, bilinear)
    return np.asarray(image)


@pytest.mark.parametrize("seed", range(20))
def test_framing_gives_pillows_bits(seed):
    draw = np.random.default_rng(seed)
    height, width = (int(side) for side in draw.integers(5, SIDE, 2))
    levels = (256 * draw.random((height, width)) * (draw.random((height, width)) > 0.5)).astype(np.uint8)
    if seed % 2:  # ink in the middle only
        levels[: height // 3] = levels[-height // 4 :] = levels[:, : width // 4] = 0
    for _ in range(5):
        centre = (height * draw.uniform(0.2, 0.8), width * draw.uniform(0.2, 0.8))
        extent = max(height, width) * draw.uniform(0.2, 1.5)
        assert np.array_equal(frame(levels, centre, extent, SIDE), pillows(levels, centre, extent))
    # Where the interpolated value is a whole number, the last bit of the place decides.
    for extent in (14.0, 28.0, 112.0, 224.0, 448.0):
        centre = (round(height) / 2, round(width) / 2)
        assert np.array_equal(frame(levels, centre, extent, SIDE), pillows(levels, centre, extent))


def test_an_empty_sheet_and_a_square_beside_the_sheet_are_empty():
    levels = np.zeros((30, 40), np.uint8)
    assert not frame(levels, (15, 20), 40, SIDE).any()
    levels[10:20] = 255
    assert not frame(levels, (100, 100), 40, SIDE).any()


def plain_ink(gray):
    """Ink on even paper, from all pixels at once."""
    tones = np.asarray(gray, dtype=np.float64) / 255
    residual = tones - np.median(tones)
    if abs(residual.min()) > residual.max():
        residual = -residual
    count = min(max(5, residual.size // 2000), residual.size)
    full = float(np.median(np.sort(residual, axis=None)[-count:]))
    if full < 0.04:
        return np.zeros_like(tones)
    return np.clip((residual - 0.25 * full) / (0.9 * full - 0.25 * full), 0, 1)


@pytest.mark.parametrize("seed", range(20))
def test_ink_on_even_paper_follows_from_the_tones_alone(seed):
    draw = np.random.default_rng(seed)
    width, height = (int(side) for side in draw.integers(20, SIDE, 2))
    paper, ink = (int(tone) for tone in draw.integers(0, 256, 2))
    gray = Image.new("L", (3 * width, 3 * height), paper)
    points = [float(place) for place in 3 * min(width, height) * draw.random(8)]
    ImageDraw.Draw(gray).line(points, fill=ink, width=9)
    gray = gray.resize((width, height), Image.Resampling.BOX)
    found, wanted = find_ink(gray), plain_ink(gray)
    assert np.array_equal(found.levels, np.round(255 * wanted).astype(np.uint8))
    assert np.array_equal(found.strokes, wanted > 0.5)


def scribble(seed):
    """Lines of several tones on even paper, sometimes few and faint, sometimes over the border."""
    made = np.random.default_rng(seed)
    width, height = (int(side) for side in made.integers(8, SIDE + 1, 2))
    gray = Image.new("L", (2 * width, 2 * height), int(made.integers(0, 256)))
    for _ in range(int(made.integers(0, 5))):
        points = [float(place) for place in 2 * max(width, height) * made.random(6)]
        ImageDraw.Draw(gray).line(points, fill=int(made.integers(0, 256)), width=int(made.integers(1, 15)))
    return gray.resize((width, height), Image.Resampling.BOX)


@pytest.mark.skipif(compiled.library() is None, reason="no C compiler here")
@pytest.mark.parametrize("margin", [None, 0.0, 0.1, 0.3])
@pytest.mark.parametrize("side", [28, 84, 8, 224, 300])
def test_in_c_a_drawing_is_the_same_to_the_bit(side, margin, monkeypatch):
    grays = [scribble(seed) for seed in range(80)]
    drawn = draw([np.asarray(gray) for gray in grays], side, margin)
    monkeypatch.setattr(preprocessing, "draw", lambda grays, *_: [None] * len(grays))
    settings = preprocessing.Preprocessing("drawing", side, 1, margin)
    for gray, levels in zip(grays, drawn, strict=True):
        if levels is not None:
            assert np.array_equal(levels, settings.levels(gray)[0].numpy())
    assert sum(levels is not None for levels in drawn) > 50


def test_uneven_paper_is_left_to_numpy():
    shaded = np.linspace(100, 200, 100 * 100).reshape(100, 100).astype(np.uint8)
    assert draw([shaded], 28, 0.1) == [None]
