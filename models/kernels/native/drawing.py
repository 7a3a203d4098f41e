"""Drawings on even paper, from grey levels to what a learner sees, in C: bit for bit as ``models.images`` does.

There that is sixty calls of NumPy and Pillow an image. Each takes longer to begin than to do, and each lets go of
Python's lock: two threads at it were slower than one. Here it is one call for as many images as there are.
"""

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.kernels.native.compiled import function, library
from models.kernels.native.shapes import address_of, addresses_of, sizes

Levels = NDArray[np.uint8]
MOST = 224  # pixels of a side
_NO_MARGIN = -1.0


def draw(grays: Sequence[Levels], side: int, margin: float | None) -> list[Levels | None]:
    """Find the ink of each, frame it, and reduce it.

    Args:
        grays: each ``[H, W]``, neither larger than ``MOST``.
        side: of the results.
        margin: as ``Preprocessing`` has it.

    Raises:
        ValueError: for a larger image.

    Returns:
        Levels ``[side, side]``; None where the paper is uneven, or for all if nothing can be compiled here.
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
