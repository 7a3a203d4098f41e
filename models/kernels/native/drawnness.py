"""How much small images look like drawings on even paper, in C: up to rounding as ``models.images.drawnness``."""

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.kernels.native.compiled import function, library
from models.kernels.native.shapes import address_of, addresses_of, sizes

MOST = 64  # pixels of a side


def drawnness(
    images: Sequence[NDArray[np.uint8]], strongest: Sequence[int], bounds: tuple[float, float, float, float]
) -> NDArray[np.float64]:
    """Tell the drawnness of each.

    Args:
        images: levels ``[H, W]`` each, neither larger than ``MOST``.
        strongest: how many pixels of each show the strongest contrast.
        bounds: the faintest contrast, paper's share of the strongest, texture, and the weight of solid things.

    Returns:
        ``[B]``, NaN where the paper is uneven, or everywhere if nothing can be compiled here.
    """
    told = np.full(len(images), np.nan)
    if library() is not None:
        images = [np.ascontiguousarray(image) for image in images]
        function("drawnness")(
            ctypes.c_int64(len(images)),
            sizes(*(number for image in images for number in image.shape)),
            sizes(*strongest),
            addresses_of(images),
            (ctypes.c_double * len(bounds))(*bounds),
            address_of(told),
        )
    return told
