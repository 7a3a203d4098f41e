"""A drawing on even paper, from grey levels to what a learner sees, in C: bit for bit as ``models.images`` does.

There that is sixty calls of NumPy and Pillow an image. Each takes longer to begin than to do, and each lets go of
Python's lock: two threads at it were slower than one.
"""

import ctypes

import numpy as np
from numpy.typing import NDArray

from models.kernels.native.compiled import library
from models.kernels.native.shapes import sizes

MOST = 224  # pixels of a side
_NO_MARGIN = -1.0


def draw(gray: NDArray[np.uint8], side: int, margin: float | None) -> NDArray[np.uint8] | None:
    """Find the ink, frame it, and reduce it.

    Args:
        gray: ``[H, W]``, neither larger than ``MOST``.
        side: of the result.
        margin: as ``Preprocessing`` has it.

    Raises:
        ValueError: for a larger image.

    Returns:
        Levels ``[side, side]``; None where the paper is uneven or nothing can be compiled here.
    """
    if max(gray.shape) > MOST:
        raise ValueError(f"an image of {gray.shape[1]} x {gray.shape[0]} pixels is larger than {MOST} x {MOST}")
    functions = library()
    if functions is None:
        return None
    gray = np.ascontiguousarray(gray)
    levels = np.empty((side, side), np.uint8)
    framed = ctypes.c_double(_NO_MARGIN if margin is None else margin)
    even = functions.draw(
        sizes(*gray.shape, side), framed, ctypes.c_void_p(gray.ctypes.data), ctypes.c_void_p(levels.ctypes.data)
    )
    return levels if even else None
