"""Products of rows with rows in C, each as if it were the only one."""

import ctypes

from torch import Tensor

from models.kernels.native.compiled import function
from models.kernels.native.shapes import address


def row_products(rows: Tensor, others: Tensor) -> Tensor:
    """Multiply each row of ``[T, Q, D]`` by each of ``[T, N, D]``, all float32 on the CPU.

    Returns:
        ``[T, Q, N]``, without a graph for gradients.

    Raises:
        ValueError: if tasks or depths differ, in which case C would read past the end.
    """
    if (rows.shape[0], rows.shape[2]) != (others.shape[0], others.shape[2]):
        raise ValueError(f"rows {list(rows.shape)} cannot be multiplied by {list(others.shape)}")
    rows, others = rows.contiguous(), others.contiguous()
    found = rows.new_empty(*rows.shape[:2], others.shape[1])
    shape = (*rows.shape[:2], others.shape[1], rows.shape[2])
    function("row_products")(*map(ctypes.c_int64, shape), *map(address, (rows, others, found)))
    return found
