"""Arguments for the C functions: tensors laid out as they read them, sizes as structures, addresses."""

import ctypes
from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

LANES = 16  # numbers in the widest vector; the innermost size of every result must be a multiple of it


def sizes(*numbers: int) -> ctypes.Array[ctypes.c_int64]:
    """A C structure of 64-bit integers."""
    return (ctypes.c_int64 * len(numbers))(*numbers)


def address(tensor: Tensor) -> ctypes.c_void_p:
    """The address of a tensor's first number."""
    return ctypes.c_void_p(tensor.data_ptr())


def address_of(array: NDArray[Any]) -> ctypes.c_void_p:
    """The address of a contiguous array's first number."""
    return ctypes.c_void_p(array.ctypes.data)


def addresses_of(arrays: Sequence[NDArray[Any]]) -> ctypes.Array[ctypes.c_void_p]:
    """A C array of the arrays' addresses; the caller must keep the arrays alive."""
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))


def as_rows(maps: Tensor) -> Tensor:
    """From ``[T, B, C, H, W]`` to contiguous ``[T, B, H, W, C]``, without a copy if it is laid out so already."""
    return maps.permute(0, 1, 3, 4, 2).contiguous()


def channels_third(maps: Tensor) -> Tensor:
    """View ``[T, B, H, W, C]`` as ``[T, B, C, H, W]``: the inverse of ``as_rows``."""
    return maps.permute(0, 1, 4, 2, 3)


def a_task_each(values: Tensor) -> tuple[Tensor, ctypes.c_int64]:
    """Values ``[T, ...]`` laid out contiguously, and the distance between two tasks' values in numbers.

    If all tasks share them in memory, the values are ``[...]`` and the distance is 0.
    """
    if values.stride(0) == 0:
        return values[0].contiguous(), ctypes.c_int64(0)
    values = values.contiguous()
    return values, ctypes.c_int64(values[0].numel())


def check_alike(images: Tensor, weight: Tensor) -> None:
    """Check that images ``[T, B, C, H, W]`` can be convolved by kernels ``[T, O, C, 3, 3]``.

    Raises:
        ValueError: if they cannot, in which case C would read past the end of one of them.
    """
    if (len(images), images.shape[2]) != (len(weight), weight.shape[2]):
        raise ValueError(
            f"images {list(images.shape)} cannot be convolved by kernels {list(weight.shape)}: they must "
            "agree in tasks and channels"
        )


def are_floats_here(*tensors: Tensor) -> bool:
    """Whether the C functions can compute with all of these: float32, on the CPU."""
    return all(one.dtype == torch.float32 and one.device.type == "cpu" for one in tensors)
