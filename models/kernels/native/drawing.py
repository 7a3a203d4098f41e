"""Drawings on even paper, from grey levels to a learner's input, in C: bit for bit as in ``models.images``.

There it takes sixty calls of NumPy and Pillow an image. Most of a call is overhead, and each releases Python's
lock, so that two threads were slower than one. Here it is one call for any number of images.
"""

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.kernels.native.compiled import function, library
from models.kernels.native.shapes import address_of, addresses_of, sizes

Levels = NDArray[np.uint8]
MOST = 224  # pixels of an image's side at most
_NO_MARGIN = -1.0


def draw(grays: Sequence[Levels], side: int, margin: float | None) -> list[Levels | None]:
    """Find the ink of each image, frame it and reduce it.

    Args:
        grays: grey levels ``[H, W]``, H and W at most ``MOST``.
        side: of the results, in pixels.
        margin: as in ``Preprocessing``.

    Returns:
        For each image, levels ``[side, side]``, or None if its paper is uneven, if ink on its border may be
        something else, or if there is no compiled library.

    Raises:
        ValueError: for a larger image.
    """
    for height, width in (gray.shape for gray in grays):
        if max(height, width) > MOST:
            raise ValueError(f"an image of {width} x {height} pixels is larger than {MOST} x {MOST}")
    if library() is None:
        return [None] * len(grays)
    grays = [np.ascontiguousarray(gray) for gray in grays]
    drawn, even = np.empty((len(grays), side, side), np.uint8), np.empty(len(grays), np.uint8)
    function("draw")(
        ctypes.c_int64(len(grays)),
        sizes(*(number for gray in grays for number in gray.shape)),
        addresses_of(grays),
        ctypes.c_int64(side),
        ctypes.c_double(_NO_MARGIN if margin is None else margin),
        address_of(drawn),
        address_of(even),
    )
    return [levels if is_even else None for levels, is_even in zip(drawn, even.tolist(), strict=True)]
