"""Tells drawings from photographs by how they are lit, not by their colours: either may be grey or colourful."""

from collections.abc import Iterable

import numpy as np
from PIL import Image

from models.images.ink import background

_SIDE = 64  # pixels that an image is reduced to
_STRONGEST = 200  # one pixel in so many shows the strongest contrast
_FAINTEST = 0.04  # of full scale: less contrast than this is an empty sheet
_OF_PAPER = 0.25  # of the strongest contrast: what departs less from the paper's plane is paper


def drawnness(images: Iterable[Image.Image]) -> float:
    """How much images look like drawings, on average: drawings above 0.75, photographs below."""
    return float(np.mean([of_image(image) for image in images]))


def of_image(image: Image.Image) -> float:
    """Share of the sheet that is paper, less twice the share that departs from it to the other side than the ink.

    A drawing is a plane of paper under even or slanting light, and ink on it, all darker or all brighter. A
    photograph has no such plane, and departs from the nearest one to both sides. About -1 to 1.
    """
    grey = image.convert("L")
    if max(grey.size) > _SIDE:
        grey = grey.resize((_SIDE, _SIDE), Image.Resampling.BOX)
    levels = np.asarray(grey, dtype=np.float64) / 255
    departure = levels - background(levels)
    count = min(max(5, departure.size // _STRONGEST), departure.size)
    strongest = np.partition(np.abs(departure), departure.size - count, axis=None)[departure.size - count]
    if strongest < _FAINTEST:
        return 1.0
    brighter, darker = np.mean(departure > _OF_PAPER * strongest), np.mean(departure < -_OF_PAPER * strongest)
    return float(1 - brighter - darker - 2 * min(brighter, darker))
