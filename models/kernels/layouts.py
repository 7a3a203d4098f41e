"""How kernels and maps lie in memory for the arithmetic that follows."""

import torch
from torch import Tensor


def as_matrices(kernels: Tensor) -> Tensor:
    """View kernels ``[..., O, C, k, k]`` as ``[..., k, k, C, O]``, the order that matrix products take."""
    return kernels.movedim((-2, -1, -3, -4), (-4, -3, -2, -1))


def as_kernels(matrices: Tensor) -> Tensor:
    """View ``[..., k, k, C, O]`` as ``[..., O, C, k, k]``: the inverse of ``as_matrices``."""
    return matrices.movedim((-4, -3, -2, -1), (-2, -1, -3, -4))


def channels_innermost(images: Tensor) -> Tensor:
    """Lay ``[B, C, H, W]`` out with its channels innermost, also by its strides if there is one channel."""
    if images.shape[1] > 1:
        return images.contiguous(memory_format=torch.channels_last)
    # With one channel, both layouts are the same bytes; the strides tell torch which layout the result gets.
    _, _, height, width = images.shape
    return images.contiguous().as_strided(images.shape, (height * width, 1, width, 1))
