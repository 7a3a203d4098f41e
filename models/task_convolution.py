"""Convolution of several tasks at once, with shared or per-task weights."""

import torch
from torch import Tensor


def convolve(images: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Convolve 3x3 with padding 1.

    Args:
        images: ``[T, B, C, H, W]``.
        weight: ``[O, C, 3, 3]`` for all tasks, or ``[T, O, C, 3, 3]``, one for each.
        stride: 1 or 2.

    Returns:
        ``[T, B, O, H', W']``.
    """
    tasks, batch = images.shape[:2]
    if weight.ndim == 4:
        flat = torch.nn.functional.conv2d(images.flatten(0, 1), weight, stride=stride, padding=1)
        return flat.view(tasks, batch, *flat.shape[1:])
    # One product a task over unfolded patches: its derivatives of any order are products again, which
    # run near the machine's peak, where grouped convolutions and their second derivatives do not.
    patches = torch.nn.functional.unfold(images.flatten(0, 1), 3, padding=1, stride=stride)
    columns = patches.view(tasks, batch, *patches.shape[1:]).transpose(1, 2).flatten(2)  # [T, C*9, B*L]
    product = weight.flatten(2) @ columns  # [T, O, B*L]
    height = (images.shape[3] - 1) // stride + 1
    width = (images.shape[4] - 1) // stride + 1
    return product.view(tasks, -1, batch, height, width).transpose(1, 2)
