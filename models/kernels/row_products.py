"""Products of queries' features with class means or examples: each as if its query were the only one.

A library chooses its routine by the number of rows, and within one, a row's place may decide in which order its
products are added up. Of a product of 8 rows by torch on an Intel Xeon of the fourth generation, the last two had
other last digits than alone with AVX2, and every second one with AVX-512 (for up to 128 features and 2 or 3
others). So an answer would depend on the queries sent along.
"""

import torch
from torch import Tensor

from models.kernels.native import row_products as native
from models.kernels.native.compiled import library
from models.kernels.native.shapes import are_floats_here


def row_products(rows: Tensor, others: Tensor) -> Tensor:
    """Multiply rows ``[..., Q, D]`` by ``[..., N, D]`` or, the same for all, ``[N, D]``, to ``[..., Q, N]``.

    On the CPU, in float32 and where no gradients are wanted, each product depends on its two rows alone.
    """
    wanted = torch.is_grad_enabled() and (rows.requires_grad or others.requires_grad)
    if wanted or not are_floats_here(rows, others):
        return _by_torch(rows, others)
    multiplied = _one_by_one if library() is None else native.row_products
    if others.ndim == 2:
        flat: Tensor = multiplied(rows.flatten(0, -2)[None], others[None])
        return flat.view(*rows.shape[:-1], len(others))
    leading = torch.broadcast_shapes(rows.shape[:-2], others.shape[:-2])
    left, right = (one.expand(*leading, -1, -1).flatten(0, -3) for one in (rows, others))
    found: Tensor = multiplied(left, right).unflatten(0, leading)
    return found


def _one_by_one(rows: Tensor, others: Tensor) -> Tensor:
    """Multiply ``[T, Q, D]`` by ``[T, N, D]``, all copied, as the alignment of a row could decide, too."""
    found = rows.new_empty(*rows.shape[:2], others.shape[1])
    for task, of_task in enumerate(others.unbind()):
        copied = of_task.clone()
        for place, row in enumerate(rows[task]):
            found[task, place] = _by_torch(row[None].clone(), copied)
    return found


def _by_torch(rows: Tensor, others: Tensor) -> Tensor:
    found: Tensor = rows @ others.transpose(-1, -2)
    return found
