"""A drawing comes out the same whatever the paper, the polarity, the light and the place on the sheet."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from models.images.preprocessing import Preprocessing

DRAWING = Preprocessing("drawing", 28, 1, margin=0.1)


def sheet(size=(200, 200), offset=(0, 0), scale=1.0, width=5):
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    points = [(60, 60), (60, 140), (140, 140), (100, 90), (140, 60)]
    placed = [(x * scale + offset[0], y * scale + offset[1]) for x, y in points]
    draw.line(placed, fill=0, width=round(width * scale), joint="curve")
    return image


def difference(one, other):
    return float((one - other).abs().mean())


def test_ink_is_one_on_a_background_of_zero():
    tensor = DRAWING(sheet())
    assert tensor.shape == (1, 28, 28)
    assert tensor.dtype == torch.float32
    assert tensor.max() > 0.9
    assert tensor.median() == 0


def test_polarity_does_not_matter():
    image = sheet()
    inverted = Image.fromarray(255 - np.asarray(image))
    assert torch.equal(DRAWING(image), DRAWING(inverted))


@pytest.mark.parametrize(("paper", "ink"), [(230, 40), (180, 120), (20, 240), (90, 160)])
def test_contrast_does_not_matter(paper, ink):
    levels = np.asarray(sheet(), dtype=float) / 255
    faint = Image.fromarray(np.round(ink + (paper - ink) * levels).astype(np.uint8))
    assert difference(DRAWING(faint), DRAWING(sheet())) < 0.01


@pytest.mark.parametrize("inverted", [False, True])
def test_a_photograph_with_uneven_light_and_noise_comes_out_nearly_the_same(inverted):
    levels = np.asarray(sheet(), dtype=float) / 255
    rows, columns = np.mgrid[0:1:200j, 0:1:200j]
    light = 0.55 + 0.25 * columns + 0.15 * rows
    noise = np.random.default_rng(0).normal(0, 0.015, levels.shape)
    photo = light * (0.25 + 0.75 * levels) + noise
    if inverted:
        photo = 1 - photo
    image = Image.fromarray(np.clip(np.round(photo * 255), 0, 255).astype(np.uint8))
    clean = DRAWING(sheet())
    # What is left is the softness of edges; an empty map would differ by several times as much.
    assert difference(DRAWING(image), clean) < 0.03
    assert difference(torch.zeros_like(clean), clean) > 0.1


@pytest.mark.parametrize("size", [(400, 300), (1600, 1200)])
def test_place_and_size_on_the_sheet_do_not_matter_with_a_margin(size):
    small = sheet(size=size, offset=(180, 60), scale=0.8, width=5)
    assert difference(DRAWING(small), DRAWING(sheet())) < 0.03


def test_without_a_margin_the_drawing_stays_where_it_lies():
    whole = Preprocessing("drawing", 28, 1)
    image = sheet(offset=(40, 0))
    columns = torch.nonzero(whole(image)[0].sum(0)).flatten()
    assert columns.min() > 10


def test_an_empty_sheet_is_empty_and_a_dot_stays_small():
    assert DRAWING(Image.new("L", (100, 100), 200)).abs().max() == 0
    dot = Image.new("L", (100, 100), 255)
    ImageDraw.Draw(dot).ellipse((48, 48, 51, 51), fill=0)
    assert 0 < float((DRAWING(dot) > 0.5).float().mean()) < 0.12


def test_photos_keep_colour_and_take_the_central_square():
    photo = Preprocessing("photo", 16, 3, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    image = Image.new("RGB", (80, 40), (0, 0, 255))
    image.paste((255, 0, 0), (20, 0, 60, 40))
    tensor = photo(image)
    assert tensor.shape == (3, 16, 16)
    # Its outermost columns blend with the neighbours that were cut off.
    inner = tensor[:, :, 2:-2]
    assert torch.allclose(inner, torch.tensor([1.0, -1.0, -1.0])[:, None, None].expand_as(inner))


@pytest.mark.parametrize("settings", [DRAWING, Preprocessing("photo", 16, 3, mean=(0.5,) * 3, std=(0.2,) * 3)])
def test_many_are_each_as_by_itself(settings):
    shaded = np.linspace(100, 200, 100 * 100).reshape(100, 100).astype(np.uint8)
    images = [sheet(), Image.fromarray(shaded), Image.new("RGB", (300, 400), (9, 99, 199)), sheet().convert("1")]
    assert torch.equal(settings.many(images), torch.stack([settings(image) for image in images]))


def test_levels_and_call_agree():
    assert torch.equal(DRAWING.normalise(DRAWING.levels(sheet())), DRAWING(sheet()))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "sketch", "side": 28, "channels": 1}, "drawing or photo"),
        ({"kind": "photo", "side": 28, "channels": 1}, "cannot give 1 channels"),
        ({"kind": "drawing", "side": 2, "channels": 1}, "side must be"),
        ({"kind": "drawing", "side": 28, "channels": 1, "std": (0.0,)}, "std must be positive"),
        ({"kind": "drawing", "side": 28, "channels": 1, "margin": -0.5}, "margin must be 0 to 5"),
        ({"kind": "drawing", "side": 28, "channels": 1, "margin": float("nan")}, "margin must be 0 to 5"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Preprocessing(**settings)


def test_settings_survive_json_lists():
    values = Preprocessing("photo", 84, 3, mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0)).as_dict()
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
    assert Preprocessing.from_dict(values).std == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("size", [(64, 1), (1, 64), (50_000, 3), (3, 50_000), (2, 2), (1, 1)])
def test_thin_images_of_uneven_tones_are_drawings_like_others(size):
    levels = np.arange(size[0] * size[1]).reshape(size[1], size[0]) * 255 // (size[0] * size[1])
    tensor = DRAWING(Image.fromarray(levels.astype(np.uint8)))
    assert bool(torch.isfinite(tensor).all())
    assert 0 <= tensor.min() <= tensor.max() <= 1
