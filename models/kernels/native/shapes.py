"""What the C functions take: tensors laid out as they read them, sizes as structures, addresses."""

import ctypes
from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

LANES = 16  # the innermost size of what is computed is a multiple of it: the numbers of the widest vector


def sizes(*numbers: int) -> ctypes.Array[ctypes.c_int64]:
    """A C structure of 64-bit integers."""
    return (ctypes.c_int64 * len(numbers))(*numbers)


def address(tensor: Tensor) -> ctypes.c_void_p:
    """Where a tensor's numbers begin."""
    return ctypes.c_void_p(tensor.data_ptr())


def address_of(array: NDArray[Any]) -> ctypes.c_void_p:
    """Where a contiguous array's numbers begin."""
    return ctypes.c_void_p(array.ctypes.data)


def addresses_of(arrays: Sequence[NDArray[Any]]) -> ctypes.Array[ctypes.c_void_p]:
    """A C array of them; who calls keeps the arrays."""
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))


def channels_innermost(maps: Tensor) -> Tensor:
    """From ``[T, B, C, H, W]`` to contiguous ``[T, B, H, W, C]``, without a copy where it lies so already."""
    return maps.permute(0, 1, 3, 4, 2).contiguous()


def channels_third(maps: Tensor) -> Tensor:
    """The way back, as a view."""
    return maps.permute(0, 1, 4, 2, 3)


def a_task_each(values: Tensor) -> tuple[Tensor, ctypes.c_int64]:
    """Values ``[T, ...]``, each task's contiguous, and how far the tasks' lie apart: 0 where all share them."""
    if values.stride(0) == 0:
        return values[0].contiguous(), ctypes.c_int64(0)
    values = values.contiguous()
    return values, ctypes.c_int64(values[0].numel())


def check_alike(images: Tensor, weight: Tensor) -> None:
    """See that images ``[T, B, C, H, W]`` can be convolved by ``[T, O, C, 3, 3]``.

    Raises:
        ValueError: where they can't; C would read past the end of one of them.
    """
    if (len(images), images.shape[2]) != (len(weight), weight.shape[2]):
        raise ValueError(
            f"images {list(images.shape)} cannot be convolved by kernels {list(weight.shape)}: they must "
            "agree in tasks and channels"
        )


def are_floats_here(*tensors: Tensor) -> bool:
    """Whether all are what the C functions compute with: float32, on the CPU."""
    return all(one.dtype == torch.float32 and one.device.type == "cpu" for one in tensors)
