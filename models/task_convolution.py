"""Convolution of several tasks at once, with shared or per-task weights, differentiable as often as wanted.

The convolution is linear in its images and in its weights, and so are its two gradients, each being an adjoint of
the others: three functions whose derivatives are those three functions again. torch would differentiate its own
gradients by other routines, several times slower (second-order MAML asks for little else).
"""

from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from models import patch_products, whole_convolutions

_MOST_POSITIONS = 1024  # of a task's maps, up to which products over patches are the fastest
_FEW_CHANNELS = 4  # below, they are for any number of positions


def convolve(images: Tensor, weight: Tensor, stride: int, *, channels_last: bool = False) -> Tensor:
    """Convolve 3x3 with padding 1.

    Args:
        images: ``[T, B, C, H, W]``.
        weight: ``[O, C, 3, 3]`` for all tasks, or ``[T, O, C, 3, 3]``, one for each.
        stride: 1 or 2.
        channels_last: lay the result of shared weights out with its channels innermost. Maxima and channel-wise
            normalisation ran up to four times as fast on that, group normalisation four times slower.

    Returns:
        ``[T, B, O, H', W']``.
    """
    tasks, batch = images.shape[:2]
    if weight.ndim == 5 and tasks == 1 and not (torch.is_grad_enabled() and weight.requires_grad):
        weight = weight[0]
    if weight.ndim == 5:
        if torch.is_autocast_enabled(images.device.type):
            precision = torch.get_autocast_dtype(images.device.type)
            images, weight = images.to(precision), weight.to(precision)
        return _apply(_Convolution, images, weight, stride)
    flat = images.flatten(0, 1)
    if channels_last:
        flat = _channels_last(flat)
    if len(flat) == 1:
        # torch computes a single small image by another routine than several: two to three times as slowly
        # as two of them, and with other last bits, so that an image alone would differ from one in company.
        flat = torch.nn.functional.conv2d(flat.expand(2, -1, -1, -1), weight, stride=stride, padding=1)[:1]
    else:
        flat = torch.nn.functional.conv2d(flat, weight, stride=stride, padding=1)
    return flat.view(tasks, batch, *flat.shape[1:])


class _Convolution(torch.autograd.Function):
    """Maps of images ``[T, B, C, H, W]`` and weights ``[T, O, C, 3, 3]``."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.stride = stride
        found: Tensor = _kernels(images, stride, images.shape[2], weight).convolve(images, weight, stride)
        return found

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        images, weight = ctx.saved_tensors
        wants_images, wants_weight = ctx.needs_input_grad[:2]
        return (
            _apply(_InputGradient, gradient, weight, ctx.stride, images.shape[3:]) if wants_images else None,
            _apply(_WeightGradient, gradient, images, ctx.stride) if wants_weight else None,
            None,
        )


class _InputGradient(torch.autograd.Function):
    """What reaches the images of a gradient ``[T, B, O, H', W']``."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, weight: Tensor, stride: int, size: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(gradient, weight)
        ctx.stride = stride
        found: Tensor = _kernels(gradient, 1, weight.shape[2], weight).input_gradient(
            gradient, weight, stride, size
        )
        return found

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, ...]:
        gradient, weight = ctx.saved_tensors
        wants_gradient, wants_weight = ctx.needs_input_grad[:2]
        return (
            _apply(_Convolution, cotangent, weight, ctx.stride) if wants_gradient else None,
            _apply(_WeightGradient, gradient, cotangent, ctx.stride) if wants_weight else None,
            None,
            None,
        )


class _WeightGradient(torch.autograd.Function):
    """What reaches each task's weights."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, images: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(gradient, images)
        ctx.stride = stride
        found: Tensor = _kernels(gradient, 1, images.shape[2]).weight_gradient(gradient, images, stride)
        return found

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, ...]:
        gradient, images = ctx.saved_tensors
        wants_gradient, wants_images = ctx.needs_input_grad[:2]
        return (
            _apply(_Convolution, images, cotangent, ctx.stride) if wants_gradient else None,
            _apply(_InputGradient, gradient, cotangent, ctx.stride, images.shape[3:]) if wants_images else None,
            None,
        )


def _apply(function: type[torch.autograd.Function], *arguments: Any) -> Tensor:
    found: Tensor = function.apply(*arguments)
    return found


def _kernels(maps: Tensor, stride: int, channels: int, weight: Tensor | None = None) -> ModuleType:
    """The module whose three functions are the fastest for such maps, channels of the images, and weights."""
    if channels < _FEW_CHANNELS:
        return patch_products
    if weight is not None and whole_convolutions.share_weights(weight):
        return whole_convolutions
    positions = maps.shape[1] * maps.shape[3] * maps.shape[4] // stride**2
    return patch_products if positions <= _MOST_POSITIONS else whole_convolutions


def _channels_last(images: Tensor) -> Tensor:
    if images.shape[1] > 1:
        return images.contiguous(memory_format=torch.channels_last)
    # Both layouts of one channel are the same bytes: only the strides can tell which the result shall have.
    _, _, height, width = images.shape
    return images.contiguous().as_strided(images.shape, (height * width, 1, width, 1))
