"""Finds the ink of a drawing, whatever the paper, pen, lighting and polarity."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
Value = TypeVar("Value", np.uint8, np.bool_)

_FAINTEST_INK = 0.04  # of full scale: a sheet with less contrast is empty
_PLANE_ROUNDS = 6
_TONES: Floats = np.arange(256) / 255


@dataclass(frozen=True)
class Ink:
    """Where a drawing is inked.

    Attributes:
        levels: ``[H, W]``, 255 on strokes, 0 on the background.
        strokes: ``[H, W]``, true where there is more than half of full ink.
    """

    levels: NDArray[np.uint8]
    strokes: NDArray[np.bool_]


def find_ink(gray: Image.Image) -> Ink:
    """Separate the ink of an image of mode ``L`` from its background.

    The background is the plane of brightness (paper under uneven light) on which most pixels lie. Ink departs
    from it to the side where the departures are largest, so dark on light and light on dark give the same map.
    Contrast is stretched to the strength of the strongest strokes, and what is fainter than a quarter of them
    (shadows, the grain of the paper) is dropped.
    """
    counts = np.asarray(gray.histogram())
    paper, size = _median(counts), gray.width * gray.height
    count = min(max(5, size // 2000), size)
    if counts[np.abs(_TONES - paper) < 0.5 / 255].sum() / size > 0.5:
        # Even paper: a pixel's ink depends on its tone alone, so the 256 tones suffice. At most `count` pixels of
        # a tone can be among the `count` strongest.
        departures = _TONES - paper
        ink = _stretched(departures, np.repeat(departures, np.minimum(counts, count)), count)
        return Ink(_by_tone(gray, _rounded(ink)), _by_tone(gray, ink > 0.5))
    tones = np.asarray(gray, dtype=np.float64) / 255
    residual = tones - background(tones)
    ink = _stretched(residual, residual.ravel(), count)
    return Ink(_rounded(ink), ink > 0.5)


def _median(counts: NDArray[np.int64]) -> float:
    """The median tone, in 0..1, of pixels given by their count at each level."""
    up_to = counts.cumsum()
    middle = np.searchsorted(up_to, [(up_to[-1] - 1) // 2, up_to[-1] // 2], side="right")
    return float(_TONES[middle].mean())


def _stretched(departures: Floats, pixels: Floats, count: int) -> Floats:
    """Turn departures from the paper into ink in 0..1.

    Args:
        departures: from the paper's tone, of any shape.
        pixels: departures ``[P]`` that include the ``count`` strongest of the image, to either side.
        count: over how many pixels the strength of the strongest strokes is taken, as their median.
    """
    if abs(pixels.min()) > pixels.max():
        departures, pixels = -departures, -pixels
    strongest = np.sort(np.partition(pixels, len(pixels) - count)[len(pixels) - count :])
    full = float(strongest[(count - 1) // 2] + strongest[count // 2]) / 2
    if full < _FAINTEST_INK:
        return np.zeros_like(departures)
    floor = 0.25 * full
    ink: Floats = np.clip((departures - floor) / (0.9 * full - floor), 0.0, 1.0)
    return ink


def background(tones: Floats) -> Floats:
    """Fit the paper's brightness ``[H, W]``: a constant where most pixels agree, else a robust plane."""
    paper = float(np.median(tones))
    if np.mean(np.abs(tones - paper) < 0.5 / 255) > 0.5:
        return np.full_like(tones, paper)
    height, width = tones.shape
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    # Along a single row or column, the slope would duplicate the constant and make the system singular.
    slopes = [axis.ravel() for axis, length in ((rows, height), (columns, width)) if length > 1]
    design = np.stack([np.ones(tones.size), *slopes], axis=1)
    values = tones.ravel()
    plane = np.full(tones.size, paper)
    for _ in range(_PLANE_ROUNDS):
        # Reweighting by the inverse distance approximates a fit of least absolute deviations, which strokes
        # on less than half of the sheet do not bend.
        weights = 1.0 / np.maximum(np.abs(values - plane), 0.01)
        weighted = design * weights[:, None]
        coefficients = np.linalg.solve(design.T @ weighted, weighted.T @ values)
        plane = design @ coefficients
    return plane.reshape(tones.shape)


def _by_tone(gray: Image.Image, table: NDArray[Value]) -> NDArray[Value]:
    """Look each pixel up in a table of 256 bytes, by ``bytes.translate``, which is fastest."""
    pixels = gray.tobytes().translate(table.tobytes())
    return np.frombuffer(pixels, table.dtype).reshape(gray.height, gray.width)


def _rounded(ink: Floats) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.round(ink * 255).astype(np.uint8)
    return levels
