"""Light of any form, and what lies beside the sheet, are not ink; drawings that fill their sheet stay whole."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from models.images.drawnness import drawnness
from models.images.ink import find_ink
from models.images.paper import departure_from_surroundings, greatest
from models.images.preprocessing import Preprocessing
from tests.made_signs import HIGH, WIDE, sign

DRAWING = Preprocessing("drawing", 42, 1, margin=0.1)
ROWS, COLUMNS = np.mgrid[-1 : 1 : HIGH * 1j, -1 : 1 : WIDE * 1j]


def falling_off(tones):
    return tones * (0.95 - 0.35 * (ROWS**2 + COLUMNS**2))


def under_a_lamp(tones):
    return tones * (0.45 + 0.5 * np.exp(-((ROWS - 0.6) ** 2 + (COLUMNS + 0.5) ** 2) / 0.6))


def in_a_shadow(tones):
    return tones * (1 - 0.45 / (1 + np.exp((COLUMNS + 0.4 * ROWS - 0.1) / 0.03)))


def beside_a_desk(tones):
    return np.where(0.8 * COLUMNS + 0.3 * ROWS > 0.75, 0.3, tones)


SCENES = [falling_off, under_a_lamp, in_a_shadow, beside_a_desk]


def photographed(scene, seed, contrast=0.6):
    grain = np.random.default_rng(seed).normal(0, 0.01, (HIGH, WIDE))
    return Image.fromarray(
        np.clip(np.round(255 * (scene(0.85 - contrast * sign(seed)) + grain)), 0, 255).astype("uint8")
    )


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_photographed_sign_is_the_sign(scene):
    for seed in range(8):
        plain = DRAWING(Image.fromarray(np.round(255 * (1 - sign(seed))).astype("uint8")))
        shown = DRAWING(photographed(scene, seed))
        assert torch.cosine_similarity(shown.flatten(), plain.flatten(), dim=0) > 0.9, seed


def in_a_shadow_upon_its_middle(tones):
    return tones * (1 - 0.4 / (1 + np.exp((ROWS**2 + (COLUMNS - 0.3) ** 2 - 0.25) / 0.02)))


@pytest.mark.parametrize(
    "scene", [under_a_lamp, beside_a_desk, in_a_shadow_upon_its_middle], ids=lambda scene: scene.__name__
)
def test_a_sign_in_pencil_is_the_sign(scene):
    for seed in (0, 2, 3):
        plain = DRAWING(Image.fromarray(np.round(255 * (1 - sign(seed))).astype("uint8")))
        shown = DRAWING(photographed(scene, seed, contrast=0.35))
        assert torch.cosine_similarity(shown.flatten(), plain.flatten(), dim=0) > 0.9, seed


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_photographed_sign_is_a_drawing_to_auto(scene):
    assert min(drawnness(photographed(scene, seed) for seed in range(8))) > 0.84


def test_a_strip_of_desk_narrower_than_the_strokes_is_no_ink_either():
    def beside_a_strip(tones):
        return np.where(COLUMNS > 0.96, 0.3, tones)

    for seed in range(4):
        plain = DRAWING(Image.fromarray(np.round(255 * (1 - sign(seed))).astype("uint8")))
        shown = DRAWING(photographed(beside_a_strip, seed))
        assert torch.cosine_similarity(shown.flatten(), plain.flatten(), dim=0) > 0.9, seed


def test_chalk_on_an_unevenly_lit_board_is_found_as_well():
    for seed in range(4):
        board = Image.fromarray(255 - np.asarray(photographed(under_a_lamp, seed)))
        assert float((DRAWING(board) - DRAWING(photographed(under_a_lamp, seed))).abs().mean()) < 0.01


def letter(cells, width):
    """Strokes of the given width on a sheet that they fill, from rows of text."""
    rows = np.array([[cell == "#" for cell in row] for row in cells])
    return np.kron(rows, np.ones((width, width), bool))


@pytest.mark.parametrize("width", [4, 12, 25])
@pytest.mark.parametrize(
    "cells", [["####", "#...", "####", "#...", "####"], ["#...", "#...", "####"]], ids=["E", "L"]
)
@pytest.mark.parametrize("grain", [0, 3])
def test_a_letter_that_fills_its_sheet_keeps_the_strokes_along_its_border(cells, width, grain):
    strokes = letter(cells, width)
    # Paper must be the larger part of the sheet.
    strokes = np.pad(strokes, ((0, 0), (0, 4 * width)))
    noise = np.random.default_rng(0).normal(0, grain, strokes.shape) if grain else 0
    sheet = Image.fromarray(np.clip(np.where(strokes, 40, 220) + noise, 0, 255).astype("uint8"))
    assert np.array_equal(find_ink(sheet).strokes, strokes)


@pytest.mark.parametrize("blur", [0, 1])
def test_a_drawing_made_on_a_computer_keeps_a_wide_area_along_its_border(blur):
    drawn = Image.new("L", (200, 200), 220)
    ImageDraw.Draw(drawn).rectangle((0, 160, 199, 199), fill=40)  # the ground
    ImageDraw.Draw(drawn).line((100, 60, 100, 160), fill=40, width=8)
    ImageDraw.Draw(drawn).line((30, 30, 50, 30), fill=40, width=8)
    strokes = find_ink(drawn.filter(ImageFilter.GaussianBlur(blur))).strokes
    assert np.mean(strokes != (np.asarray(drawn) == 40)) < 0.01


def test_a_desk_beside_paper_too_bright_for_the_camera_is_no_ink():
    scene = beside_a_desk(np.where(sign(0) > 0.5, 0.2, 1.3))
    noisy = np.round(255 * (scene + np.random.default_rng(0).normal(0, 0.02, (HIGH, WIDE))))
    strokes = find_ink(Image.fromarray(noisy.clip(0, 255).astype("uint8"))).strokes
    assert np.mean(strokes != (sign(0) > 0.5)) < 0.02


def test_a_filled_drawing_is_not_taken_for_a_shadow():
    for seed in range(4):
        sheet = Image.new("L", (WIDE, HIGH), 220)
        ImageDraw.Draw(sheet).ellipse((120, 60, 300, 240), fill=60)
        slanting = np.asarray(sheet) * (0.9 + 0.1 * COLUMNS) + np.random.default_rng(seed).normal(
            0, 2, (HIGH, WIDE)
        )
        strokes = find_ink(Image.fromarray(slanting.clip(0, 255).astype("uint8"))).strokes
        assert np.mean(strokes != (np.asarray(sheet) == 60)) < 0.01


def test_departures_are_the_tones_below_a_closing():
    made = np.random.default_rng(0)
    levels = made.integers(0, 256, (23, 31)).astype(np.uint8)
    for window in (1, 2, 5, 8, 23):
        squares = np.lib.stride_tricks.sliding_window_view(levels, (window, window))
        assert np.array_equal(greatest(levels, window, window), squares.max((2, 3)))
    ramp = np.linspace(0.2, 0.9, 60)[None].repeat(40, 0)
    assert np.abs(departure_from_surroundings(ramp)).max() < 0.02
    ramp[10:30, 20:23] *= 0.5
    inked = departure_from_surroundings(ramp) > 0.2
    assert inked[11:29, 20:23].all()
    assert not inked[:, :19].any()
    assert not inked[:, 24:].any()
