"""Shows images changed: without colours, cut out on white, or on a sheet of paper that is photographed.

How an image looks has nothing to do with the looks at validation tasks during a run (``training.run.looks``).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from models.images.preprocessing import Preprocessing
from training.datasets.class_images import ClassImages
from training.progress import bar

Look = Literal["as-is", "grey", "coloured", "framed", "falling-off", "lamp", "shadow", "desk", "ruled", "squared"]
LOOKS: tuple[Look, ...] = get_args(Look)
Floats = NDArray[np.float64]

_SHEET = 1.5  # sides of the image: the longer side of the photographed sheet; the shorter one is three quarters
_PAPER, _INK = 0.85, 0.2  # brightness of white and black on the sheet
_GRAIN = 0.02  # standard deviation of a camera's noise


def whole_images(side: int) -> Preprocessing:
    """Keep images as they are, in colour, ``side`` pixels square."""
    return Preprocessing("photo", side, 3, mean=(0.0,) * 3, std=(1.0,) * 3)


def seen_as(whole: ClassImages, look: Look, preprocessing: Preprocessing, seed: int) -> ClassImages:
    """Show images and preprocess them.

    Args:
        whole: images as ``whole_images`` keeps them.
        look: how they are shown; see ``show``.
        preprocessing: of what is shown.
        seed: of all that varies; an image is always shown alike.
    """
    shown = bar(len(whole.images), look, "image", leave=False)
    levels = []
    with shown:
        for place, image in enumerate(whole.images):
            levels.append(preprocessing.levels(show(image, look, np.random.default_rng((seed, place)))))
            shown.update(1)
    return replace(whole, images=torch.stack(levels))


def show(levels: Tensor, look: Look, generator: Generator) -> Image.Image:
    """Show one image.

    Args:
        levels: uint8 ``[3, side, side]``.
        look: ``as-is``; ``grey``, without colours; ``coloured``, drawn in one colour on paper of another;
            ``framed``, as an oval on a white sheet, as shops show their goods; or somewhere on a sheet of paper
            that is photographed in grey: in light that is ``falling-off`` towards the corners, under a ``lamp``,
            half in a ``shadow``, with a ``desk`` in view beside the sheet, or on paper that is ``ruled`` or
            ``squared``, about every other time under a lamp, too.
        generator: of all that varies.
    """
    return _CHANGES[look](Image.fromarray(levels.permute(1, 2, 0).numpy()), generator)


def _as_is(image: Image.Image, _: Generator) -> Image.Image:
    return image


def _grey(image: Image.Image, _: Generator) -> Image.Image:
    return image.convert("L")


def _coloured(image: Image.Image, generator: Generator) -> Image.Image:
    """Redraw a black on white image in a random dark colour on randomly coloured light paper."""
    ink, paper = generator.uniform(0, 0.6, 3), generator.uniform(0.75, 1, 3)
    white = np.asarray(image.convert("L"), dtype=np.float64)[..., None] / 255
    return Image.fromarray(np.round(255 * (paper * white + ink * (1 - white))).astype(np.uint8))


def _framed(image: Image.Image, generator: Generator) -> Image.Image:
    side = image.width
    inner = int(generator.integers(round(0.4 * side), round(0.7 * side)))
    rows, columns = np.mgrid[-1 : 1 : inner * 1j, -1 : 1 : inner * 1j]
    oval = Image.fromarray((255 * (rows**2 + columns**2 < 1)).astype(np.uint8))
    sheet = Image.new("RGB", (side, side), (255, 255, 255))
    sheet.paste(image.convert("RGB").resize((inner, inner)), ((side - inner) // 2,) * 2, oval)
    return sheet


def _photographed(
    image: Image.Image, scene: Callable[[Floats, Floats, Floats, Generator], Floats], generator: Generator
) -> Image.Image:
    """Lay an image on a sheet somewhere, and photograph the sheet.

    Args:
        image: square.
        scene: from the sheet's brightness ``[H, W]`` and its rows and columns in -1 to 1, to what a camera sees.
        generator: of all that varies.
    """
    wide, high = round(_SHEET * image.width), round(0.75 * _SHEET * image.width)
    left, top = (int(generator.integers(0, room - image.width + 1)) for room in (wide, high))
    sheet = Image.new("L", (wide, high), 255)
    sheet.paste(image.convert("L"), (left, top))
    tones = _INK + (_PAPER - _INK) * np.asarray(sheet, dtype=np.float64) / 255
    rows, columns = np.mgrid[-1 : 1 : high * 1j, -1 : 1 : wide * 1j]
    lit = scene(tones, rows, columns, generator) + generator.normal(0, _GRAIN, tones.shape)
    photograph = Image.fromarray(np.round(255 * lit.clip(0, 1)).astype(np.uint8))
    return photograph.filter(ImageFilter.GaussianBlur(generator.uniform(0.3, 0.8)))


def _falling_off(tones: Floats, rows: Floats, columns: Floats, generator: Generator) -> Floats:
    middle = generator.uniform(-0.3, 0.3, 2)
    from_middle = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2
    light: Floats = np.maximum(0.95 - generator.uniform(0.2, 0.4) * from_middle, 0)
    return tones * light


def _lamp(tones: Floats, rows: Floats, columns: Floats, generator: Generator) -> Floats:
    middle = generator.uniform(-0.8, 0.8, 2)
    from_middle = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2
    light: Floats = 0.45 + 0.5 * np.exp(-from_middle / generator.uniform(0.4, 1.2))
    return tones * light


def _shadow(tones: Floats, rows: Floats, columns: Floats, generator: Generator) -> Floats:
    angle = generator.uniform(0, 2 * np.pi)
    outside = rows * np.sin(angle) + columns * np.cos(angle) - generator.uniform(-0.4, 0.4)
    taken: Floats = generator.uniform(0.25, 0.5) / (1 + np.exp(-outside / generator.uniform(0.02, 0.12)))
    return tones * (1 - taken)


def _desk(tones: Floats, rows: Floats, columns: Floats, generator: Generator) -> Floats:
    """The desk covers what lies beyond a slanting line, unless something is drawn there."""
    angle = generator.choice([0, np.pi]) + generator.uniform(-0.5, 0.5)
    beyond = rows * np.sin(angle) + columns * np.cos(angle) > generator.uniform(0.75, 0.95)
    return np.where(beyond & (tones > 0.99 * _PAPER), generator.uniform(0.2, 0.5), tones)


def _ruled(tones: Floats, rows: Floats, columns: Floats, generator: Generator) -> Floats:
    return _printed(tones, rows, columns, generator, turns=(0.5,))


def _squared(tones: Floats, rows: Floats, columns: Floats, generator: Generator) -> Floats:
    return _printed(tones, rows, columns, generator, turns=(0, 0.5))


def _printed(
    tones: Floats, rows: Floats, columns: Floats, generator: Generator, turns: tuple[float, ...]
) -> Floats:
    """Print lines below what is drawn, 0.15 to 0.35 sides of the image apart, and of 0.15 to 0.6 of its contrast.

    Args:
        tones, rows, columns, generator: as for all scenes.
        turns: half turns from lines that go up to each set of lines, beside a slant of up to 5 degrees.
    """
    high, wide = tones.shape
    side = wide / _SHEET
    slant, apart = generator.uniform(-5 / 180, 5 / 180), generator.uniform(0.15, 0.35)
    darkness, width = generator.uniform(0.15, 0.6) * (_PAPER - _INK), generator.uniform(0.007, 0.014)
    for turn in turns:
        angle = np.pi * (turn + slant)
        across = columns * (wide / side / 2) * np.cos(angle) + rows * (high / side / 2) * np.sin(angle)
        from_line = apart * np.abs((across / apart + generator.uniform(0, 1)) % 1 - 0.5)
        covered = np.clip(0.5 + (width / 2 - from_line) * side, 0, 1)  # of the pixel
        tones = np.minimum(tones, _PAPER - darkness * covered)
    return _lamp(tones, rows, columns, generator) if generator.uniform() < 0.5 else tones


_CHANGES: dict[Look, Callable[[Image.Image, Generator], Image.Image]] = {
    "as-is": _as_is,
    "grey": _grey,
    "coloured": _coloured,
    "framed": _framed,
    "falling-off": lambda image, generator: _photographed(image, _falling_off, generator),
    "lamp": lambda image, generator: _photographed(image, _lamp, generator),
    "shadow": lambda image, generator: _photographed(image, _shadow, generator),
    "desk": lambda image, generator: _photographed(image, _desk, generator),
    "ruled": lambda image, generator: _photographed(image, _ruled, generator),
    "squared": lambda image, generator: _photographed(image, _squared, generator),
}
