"""Convolution of tasks' maps in C: the fastest way on the CPU for maps of any size, in float32 or bfloat16.

All maps are ``[T, B, C, H, W]``, kernels 3x3 with padding 1, ``[T, O, C, 3, 3]``; results have their channels
innermost. ``reduced`` rounds both factors of each product to bfloat16 if the processor can multiply those; sums,
inputs and outputs stay float32.
"""

import ctypes

from torch import Tensor

from models.kernels.layouts import as_kernels, as_matrices
from models.kernels.native.compiled import function, library
from models.kernels.native.shapes import (
    LANES,
    a_task_each,
    address,
    are_floats_here,
    as_rows,
    channels_third,
    check_alike,
    sizes,
)


def supports(left: Tensor, right: Tensor, innermost: int) -> bool:
    """Whether these factors can be multiplied here, for a result of so many innermost channels."""
    return innermost % LANES == 0 and are_floats_here(left, right) and library() is not None


def convolve(images: Tensor, weight: Tensor, stride: int, *, reduced: bool = False) -> Tensor:
    """Maps ``[T, B, O, H', W']``."""
    tasks, batch, _, height, width = images.shape
    shape = (tasks, batch, -(-height // stride), -(-width // stride), weight.shape[1])
    return _convolve(images, weight, stride, reduced, images.new_empty(shape), add=False)


def add_convolved(maps: Tensor, images: Tensor, weight: Tensor, stride: int, *, reduced: bool = False) -> None:
    """Add a convolution in place to maps that ``convolve`` returned."""
    _convolve(images, weight, stride, reduced, maps.permute(0, 1, 3, 4, 2), add=True)


def input_gradient(
    gradient: Tensor, weight: Tensor, stride: int, size: tuple[int, int], *, reduced: bool = False
) -> Tensor:
    """Gradient of the images, ``[T, B, C, H, W]``, with ``size`` (H, W), given that of the maps."""
    rows = as_rows(gradient)
    matrices, step = a_task_each(as_matrices(weight))
    filters, channels = weight.shape[1:3]
    found = rows.new_empty(*rows.shape[:2], *size, channels)
    function(name_of("input_gradient", found.shape, filters, stride, reduced=reduced))(
        sizes(*found.shape, filters, stride), address(rows), address(matrices), step, address(found)
    )
    return channels_third(found)


def weight_gradient(gradient: Tensor, images: Tensor, stride: int, *, reduced: bool = False) -> Tensor:
    """Gradient of the weights, ``[T, O, C, 3, 3]``, given that of the maps."""
    rows, inputs = as_rows(gradient), as_rows(images)
    tasks, _, channels, _, _ = images.shape
    filters = gradient.shape[2]
    found = rows.new_empty(tasks, 3, 3, channels, filters)
    if rows.numel() == 0:  # C would divide by their number
        return as_kernels(found.zero_())
    function(name_of("weight_gradient", inputs.shape, filters, stride, reduced=reduced))(
        sizes(*inputs.shape, filters, stride), address(rows), address(inputs), ctypes.c_int(0), address(found)
    )
    return as_kernels(found)


def _convolve(images: Tensor, weight: Tensor, stride: int, reduced: bool, maps: Tensor, *, add: bool) -> Tensor:
    check_alike(images, weight)
    inputs = as_rows(images)
    matrices, step = a_task_each(as_matrices(weight))
    filters = weight.shape[1]
    function(name_of("convolve", inputs.shape, filters, stride, reduced=reduced))(
        sizes(*inputs.shape, filters, stride),
        address(inputs),
        address(matrices),
        step,
        ctypes.c_int(add),
        address(maps),
    )
    return channels_third(maps)


def name_of(product: str, shape: tuple[int, ...], filters: int, stride: int, *, reduced: bool) -> str:
    """The name of the function that computes a product for images ``[T, B, H, W, C]``.

    It does not depend on T and B, so that an image's result is the same in any company.

    Args:
        product: ``convolve``, ``input_gradient`` or ``weight_gradient``.
        shape: of the images.
        filters: channels of the maps.
        stride: 1 or 2.
        reduced: whether to multiply bfloat16 numbers, if possible.
    """
    channels = shape[-1]
    if is_tiled(shape, filters, stride):
        return f"winograd_{product}"  # in float32, as fast as direct bfloat16 products
    paired = filters if product == "input_gradient" else channels
    return f"{product}_{'bfloat16' if reduced and paired % 2 == 0 and multiplies_bfloat16() else 'float32'}"


def is_tiled(shape: tuple[int, ...], filters: int, stride: int) -> bool:
    """Whether Winograd's tiles are the fastest for images ``[T, B, H, W, C]``."""
    *_, height, width, channels = shape
    return stride == 1 and min(height, width) > 2 and channels % LANES == 0 and filters % LANES == 0


def multiplies_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 numbers, so that ``reduced`` makes a difference."""
    loaded = library()
    return loaded is not None and bool(loaded.has_bfloat16())
