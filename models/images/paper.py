"""Estimates the paper that a drawing lies on: how bright it is, under the light that fell on it."""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Levels = NDArray[np.uint8]
Value = TypeVar("Value", np.uint8, np.bool_)

_PLANE_ROUNDS = 6
_WINDOW = 0.2  # of the sheet's longer side: within a square of this side there is paper beside every stroke
_DARK = 0.2  # of full scale, added to the paper's brightness, lest noise in the dark count as ink


def plane(tones: Floats) -> Floats:
    """Fit the paper's brightness ``[H, W]``: a constant where most pixels agree, else a robust plane.

    Args:
        tones: ``[H, W]`` in 0..1.
    """
    paper = float(np.median(tones))
    if np.mean(np.abs(tones - paper) < 0.5 / 255) > 0.5:
        return np.full_like(tones, paper)
    height, width = tones.shape
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    # Along a single row or column, the slope would duplicate the constant and make the system singular.
    slopes = [axis.ravel() for axis, length in ((rows, height), (columns, width)) if length > 1]
    design = np.stack([np.ones(tones.size), *slopes], axis=1)
    values = tones.ravel()
    fitted = np.full(tones.size, paper)
    for _ in range(_PLANE_ROUNDS):
        # Reweighting by the inverse distance approximates a fit of least absolute deviations, which strokes
        # on less than half of the sheet do not bend.
        weights = 1.0 / np.maximum(np.abs(values - fitted), 0.01)
        weighted = design * weights[:, None]
        coefficients = np.linalg.solve(design.T @ weighted, weighted.T @ values)
        fitted = design @ coefficients
    return fitted.reshape(tones.shape)


def departure_from_surroundings(tones: Floats) -> Floats:
    """How much darker than the paper around it each pixel is, or how much brighter if the ink is bright.

    The paper's brightness at a pixel is a closing of the tones (what is left is Meyer's top-hat transform, 1979):
    in every square window that holds the pixel, something is at least as bright. This follows light of any form,
    sharp shadows too, and a desk beside the sheet; whatever is as wide as a window counts as paper. Less light
    also weakens what it falls on, so departures are relative to the paper's brightness. Of dark and bright ink,
    the one is taken whose paper has fewer edges: the paper of the other would have those of the strokes.

    Args:
        tones: ``[H, W]`` in 0..1.

    Returns:
        ``[H, W]``, 0 for most of the paper, larger on ink.
    """
    window = round(_WINDOW * max(tones.shape)) | 1
    tones = _smoothed(tones)
    levels = np.rint(255 * tones).astype(np.uint8)
    dark, bright = (_closed(one, window) for one in (levels, ~levels))
    ink, paper = (tones, dark) if _roughness(dark) <= _roughness(bright) else (1 - tones, bright)
    departure: Floats = (paper / 255 - ink) / (paper / 255 + _DARK)
    # The brightest noise in a window lifts the estimate above the paper's own brightness.
    return departure - np.median(departure)


def _smoothed(tones: Floats) -> Floats:
    """Average each pixel with its four neighbours, lest grain pass for ink or lift the paper's brightness."""
    wide = np.pad(tones, 1, mode="edge")
    total: Floats = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:] + tones
    return total / 5


def _closed(levels: Levels, window: int) -> Levels:
    """The least, over the windows that hold a pixel, of each window's greatest level; edges extend outwards."""
    wide = np.pad(levels, window - 1, mode="edge")
    return ~greatest(~greatest(wide, window, window), window, window)


def greatest(levels: NDArray[Value], high: int, wide: int) -> NDArray[Value]:
    """The greatest level in each rectangle ``high`` by ``wide`` pixels, ``[H + 1 - high, W + 1 - wide]``."""
    rows, columns = levels.shape
    for reach in _reaches(high):
        rows -= reach
        levels = np.maximum(levels[:rows], levels[reach:])
    for reach in _reaches(wide):
        columns -= reach
        levels = np.maximum(levels[:, :columns], levels[:, reach:])
    return levels


def _reaches(window: int) -> Iterator[int]:
    """By how much to shift the greatest of so many levels in a row, each time, until they span a window."""
    spanned = 1
    while spanned < window:
        reach = min(spanned, window - spanned)
        yield reach
        spanned += reach


def _roughness(levels: Levels) -> int:
    """Sum of the squared differences between neighbours, to which edges add far more than slopes."""
    signed = levels.astype(np.int64)
    return sum(int((np.diff(signed, axis=axis) ** 2).sum()) for axis in (0, 1))
