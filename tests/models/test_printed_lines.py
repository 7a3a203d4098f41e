"""Lines that are printed on the paper are no ink; weak, straight and long strokes that someone drew stay."""

from statistics import fmean

import numpy as np
import pytest
import torch
from PIL import Image

from models.images.drawnness import drawnness
from models.images.ink import find_ink
from models.images.preprocessing import Preprocessing
from models.images.printed_lines import on_printed_lines
from tests.made_signs import HIGH, WIDE, sign

DRAWING = Preprocessing("drawing", 42, 1, margin=0.1)
ROWS, COLUMNS = np.mgrid[:HIGH, :WIDE].astype(float)


def lines(apart, width, degrees, *, squared):
    """Printed lines, 1 on each."""
    found = np.zeros((HIGH, WIDE))
    for turn in (0, 90)[: 1 + squared]:
        angle = np.deg2rad(degrees + turn)
        across = ROWS * np.cos(angle) + COLUMNS * np.sin(angle)
        found = np.maximum(found, np.clip(0.5 + width / 2 - np.abs(across % apart - apart / 2), 0, 1))
    return found


def photographed(tones, seed=0):
    light = 0.95 - 0.1 * COLUMNS / WIDE
    noisy = tones * light + np.random.default_rng(seed).normal(0, 0.01, tones.shape)
    return Image.fromarray(np.clip(np.round(255 * noisy), 0, 255).astype("uint8"))


def likeness(one, other):
    return torch.cosine_similarity(DRAWING(one).flatten(), DRAWING(other).flatten(), dim=0)


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("darkness", [0.3, 0.45, 0.6])  # of the pen's
@pytest.mark.parametrize("degrees", [0, 4, -8])
def test_a_sign_on_printed_paper_is_the_sign(squared, darkness, degrees):
    for seed in range(4):
        under = darkness * lines(50, 3, degrees, squared=squared)
        shown = photographed(0.9 - 0.6 * np.maximum(sign(seed), under), seed)
        assert likeness(shown, photographed(0.9 - 0.6 * sign(seed), seed)) > 0.95, seed


def under_a_lamp(tones):
    return tones * (0.45 + 0.5 * np.exp(-((ROWS / HIGH - 0.8) ** 2 + (COLUMNS / WIDE - 0.25) ** 2) / 0.15))


def falling_off(tones):
    return tones * (0.95 - 1.4 * ((ROWS / HIGH - 0.5) ** 2 + (COLUMNS / WIDE - 0.5) ** 2))


def in_a_shadow(tones):
    return tones * (1 - 0.45 / (1 + np.exp((2 * COLUMNS / WIDE + 0.8 * ROWS / HIGH - 1.4) / 0.03)))


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("light", [under_a_lamp, falling_off, in_a_shadow])
def test_uneven_light_on_printed_paper(squared, light):
    for seed in range(6):
        under = 0.45 * lines(50, 3, 3, squared=squared)
        shown = photographed(light(0.9 - 0.6 * np.maximum(sign(seed), under)), seed)
        drawn = DRAWING(Image.fromarray(np.round(255 * (1 - sign(seed))).astype("uint8")))
        assert torch.cosine_similarity(DRAWING(shown).flatten(), drawn.flatten(), dim=0) > 0.9, seed


@pytest.mark.parametrize("light", [under_a_lamp, falling_off, in_a_shadow])
def test_printed_paper_looks_like_a_sheet_that_is_drawn_on(light):
    under = 0.32 * lines(80, 3, 3, squared=True)
    shown = [photographed(light(0.9 - 0.6 * np.maximum(sign(seed), under)), seed) for seed in range(5)]
    assert fmean(drawnness(shown)) > 0.78


def test_lines_of_one_tone_below_a_drawing_made_on_a_computer():
    for seed in range(4):
        under = 0.4 * (lines(50, 3, 0, squared=True) > 0.5)
        tones = 1 - np.maximum(sign(seed) > 0.5, under)
        shown, plain = (
            Image.fromarray(np.round(255 * one).astype("uint8")) for one in (tones, 1.0 - (sign(seed) > 0.5))
        )
        assert likeness(shown, plain) > 0.95, seed


def test_lines_as_dark_as_the_pen_may_be_drawn_and_stay():
    tones = 0.9 - 0.6 * np.maximum(sign(0), lines(100, 6, 0, squared=True))
    assert find_ink(photographed(tones)).strokes[:, [0, -1]].any(0).all()


def test_a_drawing_that_keeps_clear_of_the_border_stays_whatever_its_lines():
    weak = 0.5 * lines(50, 3, 0, squared=True)
    weak[:10], weak[-10:], weak[:, :10], weak[:, -10:] = 0, 0, 0, 0
    found = find_ink(photographed(0.9 - 0.6 * np.maximum(sign(0), weak))).levels
    inside = weak[20:-20, 20:-20] == 0.5
    assert (found[20:-20, 20:-20][inside] > 0).mean() > 0.99


def straight(low, high, length, width=3):
    """A line along the image that begins at its left border, and grows weaker, on paper of strength 0."""
    strength = np.zeros((100, 200))
    strength[50 : 50 + width, :length] = np.linspace(high, low, length)
    return strength


def printed(strength):
    """Which pixels of those that are darker than paper are found to be printed."""
    return on_printed_lines(strength, 0.2) & (strength > 0)


@pytest.mark.parametrize("of", [np.asarray, np.transpose])
def test_what_is_thin_straight_long_and_weak_is_printed(of):
    weak = of(straight(0.5, 0.55, 200))
    assert printed(weak)[weak > 0].all()
    assert not printed(of(straight(0.5, 0.55, 90)))[1:, 1:].any()  # too short
    assert not printed(of(straight(0.5, 0.55, 200, width=12))).any()  # too wide
    assert not printed(of(straight(0.85, 0.9, 200))).any()  # as strong as a pen
    bent = straight(0.5, 0.55, 200)
    bent[:, 80:120] = np.roll(bent[:, 80:120], 9, 0)
    bent = of(bent)
    assert not printed(bent)[1:-1, 1:-1].any()


@pytest.mark.parametrize("darkness", [0.3, 0.5, 0.7])
def test_a_stroke_across_a_printed_line_stays_whole(darkness):
    strength = straight(darkness, darkness, 200)
    strength[20:80, 100:106] = 0.95
    found = on_printed_lines(strength, 0.2)
    assert not found[strength == 0.95].any()
    assert found[50:53, :95].all()
    assert found[50:53, 111:].all()


def test_the_soft_edges_of_a_long_straight_stroke_stay():
    strength = straight(1, 1, 200, width=5)
    strength[[49, 55], :] = 0.5
    assert not printed(strength).any()


def test_a_line_that_leaves_the_image_in_a_corner_is_printed():
    strength = np.zeros((100, 200))
    across = np.mgrid[:100, :200][0] - 0.15 * np.mgrid[:100, :200][1]
    strength[np.abs(across - 92) < 1.5] = 0.5  # it leaves below after 53 columns
    assert printed(strength)[strength > 0].all()


@pytest.mark.parametrize("shape", [(31, 80), (80, 31)])
def test_small_images_have_no_printed_lines(shape):
    tones = np.random.default_rng(0).normal(0.8, 0.01, shape)
    tones[25:28] -= 0.25
    tones[10:20, 15:18] -= 0.5
    found = find_ink(Image.fromarray(np.round(255 * tones).astype("uint8"))).levels
    assert (found[26] > 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 20), (2, 64), (300, 2), (20, 5), (31, 64)])
def test_images_too_small_for_lines_are_taken_all_the_same(shape):
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, shape).astype("uint8"))
    (look,) = drawnness([image])
    assert -2 <= look <= 1
    assert DRAWING(image).shape == (1, 42, 42)
