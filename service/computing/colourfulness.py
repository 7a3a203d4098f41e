"""Tells photographs from drawings by their colours."""

from collections.abc import Iterable

import numpy as np
from PIL import Image

_SIDE = 32  # pixels that an image is reduced to
_COLOURFUL = 12.0  # on the scale below: pencil under warm light stays under, "slightly colourful" begins at 15


def are_colourful(images: Iterable[Image.Image]) -> bool:
    """Whether most of the images have colours."""
    return float(np.median([colourfulness(image) for image in images])) > _COLOURFUL


def colourfulness(image: Image.Image) -> float:
    """Spread and strength of an image's colours, 0 for grey (Hasler and Süsstrunk 2003, eq. 4, metric M3)."""
    if image.mode == "L":
        return 0.0
    small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    red, green, blue = np.moveaxis(np.asarray(small, dtype=np.float64), -1, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    strength = np.hypot(red_green.mean(), yellow_blue.mean())
    return float(spread + 0.3 * strength)
