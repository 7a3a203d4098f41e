"""Convolution in C by kernels transformed once, with the operations that follow it (``winograd_at_rest.c``)."""

import ctypes
from dataclasses import dataclass

import torch
from torch import Tensor

from models.kernels.layouts import as_matrices
from models.kernels.native.compiled import function, library
from models.kernels.native.shapes import LANES, address, are_floats_here, as_rows, sizes

_PLACES = 36  # numbers of a transformed tile


@dataclass(frozen=True)
class Matrices:
    """A transformed kernel.

    Attributes:
        values: ``[36 * O * C]``, in the order in which the products read them.
        channels: of the images.
        filters: channels of the maps.
    """

    values: Tensor
    channels: int
    filters: int


def supports(kernel: Tensor) -> bool:
    """Whether a kernel ``[O, C, k, k]`` can be applied here."""
    filters, channels, *size = kernel.shape
    whole = channels % LANES == 0 and filters % LANES == 0 and size == [3, 3]
    return whole and are_floats_here(kernel) and library() is not None


def transformed(kernel: Tensor) -> Matrices:
    """Transform a kernel ``[O, C, 3, 3]``."""
    filters, channels = kernel.shape[:2]
    taps = as_matrices(kernel).contiguous()
    values = torch.empty(_PLACES * filters * channels)
    function("winograd_transformed")(sizes(0, 0, 0, channels, filters, 0), address(taps), address(values))
    return Matrices(values, channels, filters)


def convolve(matrices: Matrices, images: Tensor, offset: Tensor, start: Tensor | None, *, relu: bool) -> Tensor:
    """Convolve with padding 1, then add an offset and ``start``, and apply ReLU.

    Args:
        matrices: as ``transformed`` made them.
        images: ``[B, C, H, W]``.
        offset: ``[O]``.
        start: ``[B, O, H, W]``, or None to add nothing.
        relu: whether to apply ReLU.

    Returns:
        ``[B, O, H, W]``.

    Raises:
        ValueError: if images and kernel differ in channels.
    """
    rows = as_rows(images[None])[0]
    batch, height, width, channels = rows.shape
    if channels != matrices.channels:
        raise ValueError(f"images of {channels} channels cannot be convolved by kernels of {matrices.channels}")
    found = images.new_empty(batch, height, width, matrices.filters)
    added = None if start is None else as_rows(start[None])
    function("winograd_at_rest")(
        sizes(batch, height, width, channels, matrices.filters, relu),
        address(rows),
        address(matrices.values),
        address(offset),
        ctypes.c_void_p(None) if added is None else address(added),
        address(found),
    )
    return found.permute(0, 3, 1, 2)
