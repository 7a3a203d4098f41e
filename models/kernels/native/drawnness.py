"""How much small images look like drawings on even paper, in C: as ``models.images.drawnness`` up to rounding."""

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.kernels.native.compiled import function, library
from models.kernels.native.shapes import address_of, addresses_of, sizes

MOST = 64  # pixels of an image's side at most


def drawnness(
    images: Sequence[NDArray[np.uint8]], strongest: Sequence[int], bounds: tuple[float, float, float, float]
) -> NDArray[np.float64]:
    """Measure the drawnness of each image.

    Args:
        images: levels ``[H, W]``, H and W at most ``MOST``.
        strongest: for each image, how many pixels reach the strongest contrast.
        bounds: ``_FAINTEST``, ``_OF_PAPER``, ``_TEXTURE`` and ``_SOLID`` of ``models.images.drawnness``.

    Returns:
        ``[B]``; NaN for an image on uneven paper, and for all if there is no compiled library.

    Raises:
        ValueError: for a larger image.
    """
    for height, width in (image.shape for image in images):
        if max(height, width) > MOST:
            raise ValueError(f"an image of {width} x {height} pixels is larger than {MOST} x {MOST}")
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
