"""Finds the ink of a drawing, whatever the paper, pen, lighting and polarity."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.images.paper import Floats, Value, departure_from_surroundings, greatest, plane
from models.images.printed_lines import on_printed_lines

_FAINTEST_INK = 0.04  # of full scale: a sheet with less contrast is empty
_CLEAR_INK = 0.15  # of the paper's brightness: what departs less from the paper around it may be its grain
_TOUCHING = 0.02  # of the border: ink on more of it may be a shadow or a desk
_WIDER = 1.3  # times as wide as the widest stroke: what is narrower may be a stroke along the border
_SHADED = 0.02  # of the sheet: more of it beyond the strokes and less than half inked is light
_WEAKEST_LINE = 0.2  # of full ink: printed lines that are weaker are dropped anyway
_FURTHER = 1.1  # times as large: the frame of strokes and of what is left of printed lines
_NEAR = 2  # pixels: by so much does ink that is found in two ways differ at its edges
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

    The background is the plane of brightness (paper under uneven light) on which most pixels lie, unless shadows
    or lamps make it another surface, or something lies beside the sheet, neither of which is of one tone. Ink
    departs from it to the side where the departures are largest, so dark on light and light on dark give the same
    map. Lines printed on the paper are no ink (see ``models.images.printed_lines``). Contrast is stretched to the
    strength of the strongest strokes, and what is fainter than a quarter of them (the grain of the paper, say) is
    dropped.
    """
    counts = np.asarray(gray.histogram())
    paper, size = _median(counts), gray.width * gray.height
    count = min(max(5, size // 2000), size)
    if counts[np.abs(_TONES - paper) < 0.5 / 255].sum() / size > 0.5:
        # Even paper: a pixel's ink depends on its tone alone, so the 256 tones suffice. At most `count` pixels of
        # a tone can be among the `count` strongest.
        departures = _TONES - paper
        departures, full = _signed(departures, np.repeat(departures, np.minimum(counts, count)), count)
        ink = _stretched(departures, full)
        levels = _by_tone(gray, _rounded(ink))
        border = _border(levels)
        touching = np.mean(border > 0) > _TOUCHING
        filled = touching and _is_filled(gray, levels)
        if filled and np.median(border[border > 0]) < 255:  # it may be printed
            return _drawn(departures[np.asarray(gray)], full)
        if filled or not touching:
            return Ink(levels, _by_tone(gray, ink > 0.5))
    tones = np.asarray(gray, dtype=np.float64) / 255
    residual = tones - plane(tones)
    departures, full = _signed(residual, residual.ravel(), count)
    ink = _stretched(departures, full)
    if _share_of_border(ink > 0) > _TOUCHING or np.mean((ink > 0) & (ink < 0.5)) > _SHADED:
        departures, full = _around(tones, departures, full, count)
    return _drawn(departures, full)


def _drawn(departures: Floats, full: float) -> Ink:
    """The ink ``[H, W]``, but for printed lines, which go on beyond the image."""
    ink = _stretched(departures, full)
    if ink.any():
        ink[on_printed_lines(departures / full, _WEAKEST_LINE)] = 0
    return Ink(_rounded(ink), ink > 0.5)


def _median(counts: NDArray[np.int64]) -> float:
    """The median tone, in 0..1, of pixels given by their count at each level."""
    up_to = counts.cumsum()
    middle = np.searchsorted(up_to, [(up_to[-1] - 1) // 2, up_to[-1] // 2], side="right")
    return float(_TONES[middle].mean())


def _signed(departures: Floats, pixels: Floats, count: int) -> tuple[Floats, float]:
    """Make departures from the paper positive on ink; and how strong full ink is, 0 on an empty sheet.

    Args:
        departures: from the paper's tone, of any shape.
        pixels: departures ``[P]`` that include the ``count`` strongest of the image, to either side.
        count: over how many pixels the strength of the strongest strokes is taken, as their median.
    """
    if abs(pixels.min()) > pixels.max():
        departures, pixels = -departures, -pixels
    full = _full_ink(pixels, count)
    return departures, 0.0 if full < _FAINTEST_INK else full


def _stretched(departures: Floats, full: float) -> Floats:
    """Turn departures from the paper, positive on ink, into ink in 0..1."""
    if full == 0:
        return np.zeros_like(departures)
    floor = 0.25 * full
    ink: Floats = np.clip((departures - floor) / (0.9 * full - floor), 0.0, 1.0)
    return ink


def _full_ink(departures: Floats, count: int) -> float:
    """The strength of the strongest strokes: the median of the ``count`` largest departures."""
    strongest = np.sort(np.partition(departures, len(departures) - count)[len(departures) - count :])
    return float(strongest[(count - 1) // 2] + strongest[count // 2]) / 2


def _around(tones: Floats, by_plane: Floats, full: float, count: int) -> tuple[Floats, float]:
    """Departures from the paper around each pixel, if what departs from a plane of paper is more than ink.

    Light that is no plane, and a desk beside the sheet, show as areas that touch the border, or that are mostly
    shades, and that are wider than the strokes, or apart from a drawing that keeps clear of the border. Other
    areas are drawn, and are kept as the plane finds them; then ``by_plane`` and its ``full`` ink are the answer.
    Printed lines show that all else is paper: its surroundings count then, unless they leave more beside the ink.
    """
    around = np.maximum(departure_from_surroundings(tones), 0)
    full_around = _full_ink(around.ravel(), count)
    if full_around < _CLEAR_INK:
        return by_plane, full
    ink, ink_by_plane = _stretched(around, full_around), _stretched(by_plane, full)
    printed = on_printed_lines(around / full_around, _WEAKEST_LINE)
    if _share_of_border((ink > 0) & printed) > 0:
        # Whatever is left of light or lines lies beyond what is drawn.
        drawn_by_plane = ink_by_plane * ~on_printed_lines(by_plane / full, _WEAKEST_LINE)
        further = _extent(ink * ~printed) > _FURTHER * _extent(drawn_by_plane)
        return (by_plane, full) if further else (around, full_around)
    beyond = (ink_by_plane > 0) & ~_near(ink > 0, _NEAR)
    if _share_of_border(beyond) <= _TOUCHING and np.mean(beyond & (ink_by_plane < 0.5)) <= _SHADED:
        return by_plane, full
    wider = _width(beyond) > _WIDER * _width(ink > 0.5)
    apart = not (beyond & _near(ink > 0, 2 * _NEAR)).any() and _share_of_border(ink > 0) == 0
    return (around, full_around) if wider or apart else (by_plane, full)


def _extent(ink: Floats) -> int:
    """Height times width, in pixels, of the frame around all strokes."""
    rows, columns = ((ink > 0.5).any(axis=axis).nonzero()[0] for axis in (1, 0))
    return int(np.ptp(rows) + 1) * int(np.ptp(columns) + 1) if rows.size else 0


def _near(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """The pixels that have one of a mask in the square of side ``2 * reach + 1`` around them."""
    return greatest(np.pad(mask, reach), 2 * reach + 1, 2 * reach + 1)


def _width(mask: NDArray[np.bool_]) -> int:
    """The side of the largest square that is all set."""
    sides = range(1, min(mask.shape) + 1)
    return bisect_left(sides, True, key=lambda side: bool(greatest(~mask, side, side).all()))


def _share_of_border(mask: NDArray[np.bool_]) -> float:
    """The share of the outermost pixels that are set."""
    return float(_border(mask).mean())


def _is_filled(gray: Image.Image, levels: NDArray[np.uint8]) -> bool:
    """Whether most ink on the border is of one tone, as no shadow or desk is with the noise of a camera."""
    inked = _border(np.asarray(gray))[_border(levels) > 0]
    return bool(2 * np.bincount(inked).max() > inked.size)


def _border(image: NDArray[Value]) -> NDArray[Value]:
    """The outermost pixels ``[P]``; each corner twice."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def _by_tone(gray: Image.Image, table: NDArray[Value]) -> NDArray[Value]:
    """Look each pixel up in a table of 256 bytes, by ``bytes.translate``, which is fastest."""
    pixels = gray.tobytes().translate(table.tobytes())
    return np.frombuffer(pixels, table.dtype).reshape(gray.height, gray.width)


def _rounded(ink: Floats) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.round(ink * 255).astype(np.uint8)
    return levels
