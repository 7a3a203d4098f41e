"""Convolution of small maps as matrix products over patches, one product a task, in one batched call.

torch's own convolution takes the tasks as groups of channels, or one after the other. On maps of a few hundred
positions a task, both are dominated by overhead: with groups, the input gradient of a strided convolution ran at
a fifth of the speed of the other two parts.

All maps are ``[T, B, C, H, W]``, kernels 3x3 with padding 1, ``[T, O, C, 3, 3]``; results have their channels
innermost.
"""

import torch
from torch import Tensor

from models.kernels.layouts import as_kernels, as_matrices

_TAPS = 3


def convolve(images: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Maps ``[T, B, O, H', W']``."""
    patches, size = _patches(images, stride)
    return _as_maps(torch.bmm(patches, _as_matrix(weight)), images.shape[1], size)


def weight_gradient(gradient: Tensor, images: Tensor, stride: int) -> Tensor:
    """Gradient of the weights, ``[T, O, C, 3, 3]``, given that of the maps."""
    patches, _ = _patches(images, stride)
    product = torch.bmm(patches.transpose(1, 2), _rows(gradient))
    return as_kernels(product.view(len(images), _TAPS, _TAPS, images.shape[2], -1))


def input_gradient(gradient: Tensor, weight: Tensor, stride: int, size: tuple[int, int]) -> Tensor:
    """Gradient of the images, ``[T, B, C, H, W]``, with ``size`` (H, W), given that of the maps."""
    tasks, batch, _, high, wide = gradient.shape
    patches = torch.bmm(_rows(gradient), _as_matrix(weight).transpose(1, 2))
    patches = patches.view(tasks, batch, high, wide, _TAPS, _TAPS, -1)
    # Room for the border, and for the last patch if the size is not a multiple of the stride.
    room = [
        max(length + 1, stride * (count - 1) + _TAPS) for length, count in zip(size, (high, wide), strict=True)
    ]
    found = gradient.new_zeros(tasks, batch, *room, patches.shape[-1])
    for row in range(_TAPS):
        for column in range(_TAPS):
            seen = found[:, :, row : row + stride * high : stride, column : column + stride * wide : stride]
            seen.add_(patches[:, :, :, :, row, column])
    return found[:, :, 1 : 1 + size[0], 1 : 1 + size[1]].permute(0, 1, 4, 2, 3)


def _patches(images: Tensor, stride: int) -> tuple[Tensor, tuple[int, int]]:
    """Patches ``[T, B * H' * W', 3 * 3 * C]``, and (H', W')."""
    tasks, batch, channels, height, width = images.shape
    padded = images.new_empty(tasks, batch, height + 2, width + 2, channels)
    padded[:, :, 1:-1, 1:-1] = images.permute(0, 1, 3, 4, 2)
    for border in (padded[:, :, 0], padded[:, :, -1], padded[:, :, :, 0], padded[:, :, :, -1]):
        border.zero_()
    high, wide = -(-height // stride), -(-width // stride)
    of_task, of_image, of_row, of_column, _ = padded.stride()
    strides = (of_task, of_image, of_row * stride, of_column * stride, of_row, 1)
    seen = padded.as_strided((tasks, batch, high, wide, _TAPS, _TAPS * channels), strides)
    return seen.reshape(tasks, batch * high * wide, -1), (high, wide)


def _as_matrix(weight: Tensor) -> Tensor:
    """``[T, 3 * 3 * C, O]``, without a copy if the weights are laid out as matrices."""
    return as_matrices(weight).reshape(len(weight), -1, weight.shape[1])


def _rows(maps: Tensor) -> Tensor:
    """``[T, B * H * W, C]``."""
    return maps.permute(0, 1, 3, 4, 2).reshape(len(maps), -1, maps.shape[2])


def _as_maps(rows: Tensor, batch: int, size: tuple[int, int]) -> Tensor:
    return rows.view(len(rows), batch, *size, -1).permute(0, 1, 4, 2, 3)
