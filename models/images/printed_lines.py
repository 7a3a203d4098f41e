"""Finds the lines that are printed on a sheet of paper, so that only what is drawn on it counts as ink."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models.images.paper import Floats, Levels, greatest

_SMALLEST = 32  # pixels of a side: smaller images are no photographs, and all of their strokes may be weak lines
_LENGTH = 0.5  # of the image's width or height: no pen leaves so long a line that is both straight and weak
_SLANT = 0.18  # the steepest slope, to either side, of a line that goes along or up the image: ten degrees
_STRONGEST = 0.75  # of full ink: stronger lines may be drawn
_WIDTH, _BLUR = 0.02, 3  # of the longer side, and pixels: together more than the widest line, blurred
_PEN = 1.5  # times as strong as the line it lies on, or nearly full ink: a stroke that crosses it
_FULL = 0.9


def on_printed_lines(strength: Floats, weakest: float) -> NDArray[np.bool_]:
    """Which pixels belong to a printed line: thin, straight, across half of the image, and weaker than ink.

    A line is what an opening by straight segments leaves (the greatest, over all segments that hold a pixel, of
    the least strength along the segment), which are of all slopes up to ten degrees along and up the image. There
    is none in an image on whose border nothing is as weak as a line, nor in a very small one.

    Args:
        strength: ``[H, W]``, how much each pixel departs from paper, 1 for full ink.
        weakest: strength of a line at its weakest pixel, at least.
    """
    edges = np.concatenate([strength[0], strength[-1], strength[:, 0], strength[:, -1]])
    if min(strength.shape) < _SMALLEST or not ((edges >= weakest) & (edges <= _STRONGEST)).any():
        return np.zeros(strength.shape, dtype=np.bool_)
    levels = np.rint(255 * strength.clip(0, 1)).astype(np.uint8)
    line = np.maximum(_lines_up(levels), _lines_up(np.ascontiguousarray(levels.T)).T) / 255
    wide = _opened(levels, round(_WIDTH * max(levels.shape)) + _BLUR) / 255
    beside = greatest(np.pad(line > _STRONGEST, _BLUR), 2 * _BLUR + 1, 2 * _BLUR + 1)  # a long straight stroke
    printed = (line >= weakest) & ~beside & (wide < line / 2)
    return printed & (strength < np.minimum(_PEN * line, _FULL))


def _opened(levels: Levels, window: int) -> Levels:
    """The greatest, over the square windows that hold a pixel, of each window's least level; 0 for none."""
    least = ~greatest(~levels, window, window)
    return greatest(np.pad(least, window - 1), window, window)


def _lines_up(levels: Levels) -> Levels:
    """The strength ``[H, W]`` of the strongest line, from top to bottom, that holds each pixel; 0 for none."""
    high, wide = levels.shape
    length = round(_LENGTH * high)
    most = int(np.ceil(_SLANT * high / 2))  # pixels, by which the steepest line leaves its column at either end
    # A line that leaves its column by a pixel, or lies between two columns, is a line all the same.
    wider = greatest(np.pad(levels, ((0, 0), (1, 1))), 1, 3)
    # A line may leave the image in a corner: what lies beyond is as strong as a line can be.
    wider = np.pad(wider, ((0, 0), (2 * most, 2 * most)), constant_values=int(255 * _STRONGEST))
    rows, found = np.arange(high), np.zeros((high, wide), dtype=np.uint8)
    # A line of one slope ends a pixel away from where that of the next slope does.
    for slope in np.linspace(-_SLANT, _SLANT, 1 + 2 * round(_SLANT * length)):
        off = np.rint(slope * (rows - high / 2)).astype(np.int64)
        upright = sliding_window_view(wider, wide + 2 * most, 1)[rows, most + off]
        least = ~greatest(~upright, length, 1)
        longest = greatest(np.pad(least, ((length - 1, length - 1), (0, 0))), length, 1)
        np.maximum(found, sliding_window_view(longest, wide, 1)[rows, most - off], out=found)
    return found
