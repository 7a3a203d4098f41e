"""Products of queries' features with class means or examples: each as if its query were the only one.

A library chooses its routine by the number of rows, and within one, a row's place may decide in which order its
products are added up. On an Intel processor, torch's product of 8 rows of up to 128 features with 2 or 3 others
gave every second row other last digits, so that an answer would depend on the queries sent along.
"""

import torch
from torch import Tensor

from models.kernels.native import row_products as native


def row_products(rows: Tensor, others: Tensor) -> Tensor:
    """Multiply rows ``[..., Q, D]`` by ``[..., N, D]`` or, the same for all, ``[N, D]``, to ``[..., Q, N]``.

    On the CPU, in float32, with a C compiler and where no gradients are wanted, each product depends on its two
    rows alone. Elsewhere, torch computes it.
    """
    wanted = torch.is_grad_enabled() and (rows.requires_grad or others.requires_grad)
    if wanted or not native.supports(rows, others):
        by_torch: Tensor = rows @ others.transpose(-1, -2)
        return by_torch
    if others.ndim == 2:
        flat: Tensor = native.row_products(rows.reshape(1, -1, rows.shape[-1]), others[None])
        return flat.view(*rows.shape[:-1], -1)
    leading = torch.broadcast_shapes(rows.shape[:-2], others.shape[:-2])
    left, right = (one.expand(*leading, -1, -1).flatten(0, -3) for one in (rows, others))
    found: Tensor = native.row_products(left, right).unflatten(0, leading)
    return found
