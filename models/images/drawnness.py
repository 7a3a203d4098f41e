"""Distinguishes drawings from photographs by their tones, not their colours: either may be grey or colourful."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from models.images.paper import Floats, departure_from_surroundings, plane
from models.images.printed_lines import on_printed_lines
from models.kernels.native.drawnness import MOST as _SIDE  # pixels of the side to which larger images are reduced
from models.kernels.native.drawnness import drawnness as on_even_paper

_STRONGEST = 200  # the strongest contrast is that which one pixel in so many reaches
_FAINTEST = 0.04  # of full scale: a sheet with less contrast is empty
_OF_PAPER = 0.25  # of the strongest contrast: pixels that depart less from the paper's plane are paper
_STROKE = 5  # pixels: anything wider is not a pen stroke
_TEXTURE = 0.1  # of the strongest contrast: standard deviation from which a wider area counts as fully shaded
_SOLID = 3  # weight of the share of the sheet that is wider than a stroke and shaded
_SHADES = (0.15, 0.6)  # of the strongest contrast: between them are neither paper nor ink, but shades
_WEAKEST_LINE = 0.1  # of the strongest contrast: a printed line, which is thinner than a pixel of a reduced image
_SHADED = 4  # weight of the share of the sheet that is shades
_BOUNDS = (_FAINTEST, _OF_PAPER, _TEXTURE, _SOLID)
EMPTY = 1.0  # drawnness of an empty sheet, and of nothing else


def drawnness(images: Iterable[Image.Image]) -> list[float]:
    """How much each image looks like a drawing: about -1 to 1, and above 0.78 on average over drawings.

    The drawnness of an image is the share of the sheet that is paper, minus penalties for what no pen leaves. A
    drawing is a plane of paper, evenly or unevenly lit, with ink that is all darker or all brighter than it. A
    photograph has no such plane and departs from the best fit to both sides: twice the share of the smaller side
    is subtracted. An object cut out on white has such a plane, but is wider than a stroke, and shaded: three
    times its share is subtracted. A filled drawing is as wide but even, so it is spared.

    Where light is no plane, in a shadow or under a lamp, an image may count by the paper around each pixel
    instead (see ``departure_from_surroundings``). Strokes then stand out from it with few shades in between,
    whereas a photograph is mostly shades, and departs on areas wider than a stroke: four and three times their
    shares are subtracted, but for lines that are printed on the paper. Of the two figures the larger one counts.

    An image is ``EMPTY`` only if it is of one tone, as an empty sheet is, but a piece of cloth, too.
    """
    reduced = [_reduced(image) for image in images]
    told = on_even_paper(reduced, [_strongest(levels.size) for levels in reduced], _BOUNDS)
    return [of_levels(levels) if np.isnan(one) else float(one) for levels, one in zip(reduced, told, strict=True)]


def _reduced(image: Image.Image) -> NDArray[np.uint8]:
    grey = image if image.mode == "L" else image.convert("L")
    if max(grey.size) > _SIDE:
        grey = grey.resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(grey)


def _strongest(size: int) -> int:
    return min(max(5, size // _STRONGEST), size)


def of_levels(reduced: NDArray[np.uint8]) -> float:
    """The drawnness of one image, reduced to levels ``[H, W]``, however unevenly lit."""
    levels = reduced / 255
    paper = plane(levels)
    on_plane = _on_plane(levels, paper)
    return on_plane if np.ptp(paper) == 0 else max(on_plane, _in_any_light(levels))


def _on_plane(levels: Floats, paper: Floats) -> float:
    departure = levels - paper
    strongest = _strongest_of(np.abs(departure))
    if strongest < _FAINTEST:
        return EMPTY
    above, below = departure > _OF_PAPER * strongest, departure < -_OF_PAPER * strongest
    brighter, darker = np.mean(above), np.mean(below)
    solid = _solid(above | below, levels / strongest)
    return float(1 - brighter - darker - 2 * min(brighter, darker) - _SOLID * solid)


def _in_any_light(levels: Floats) -> float:
    departure = departure_from_surroundings(levels)
    strongest = _strongest_of(departure)
    if strongest < _FAINTEST:
        return -EMPTY  # nothing is drawn in whatever light this is
    relative = departure / strongest
    relative[on_printed_lines(relative, _WEAKEST_LINE)] = 0
    least, most = _SHADES
    shaded = np.mean((relative > least) & (relative < most))
    return float(1 - _SHADED * shaded - _SOLID * _core(relative > least).mean())


def _strongest_of(departure: Floats) -> float:
    count = _strongest(departure.size)
    return float(np.partition(departure, departure.size - count, axis=None)[departure.size - count])


def _solid(ink: NDArray[np.bool_], levels: NDArray[np.float64]) -> float:
    """Share of the sheet within areas wider than a stroke, reduced if they are evenly shaded."""
    core = _core(ink)
    if not core.any():
        return 0.0
    return float(core.mean() * min(1.0, levels[core].std() / _TEXTURE))


def _core(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is left of a mask where strokes are taken from it."""
    eroded = Image.fromarray(mask.astype(np.uint8)).filter(ImageFilter.MinFilter(_STROKE))
    return np.asarray(eroded, dtype=np.bool_)
