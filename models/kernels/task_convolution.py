"""Convolution of several tasks at once, with shared or per-task weights, differentiable as often as wanted.

The convolution is linear in its images and in its weights, and so are its two gradients, each being an adjoint of
the others: three functions whose derivatives are those three functions again. torch would differentiate its own
gradients by other routines, several times slower (second-order MAML asks for little else).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import torch
from torch import Tensor

from models.kernels import patch_products, whole_convolutions

_MOST_POSITIONS = 1024  # of a task's maps, up to which products over patches are the fastest
_FEW_CHANNELS = 4  # below, they are for any number of positions

_Wanted = Literal["maps", "images", "weight"]
# By which two each is computed; a cotangent of one takes its place when another is wanted.
_FACTORS: dict[_Wanted, tuple[_Wanted, _Wanted]] = {
    "maps": ("images", "weight"),
    "images": ("maps", "weight"),
    "weight": ("maps", "images"),
}


@dataclass(frozen=True)
class _Shape:
    """What all three share.

    Attributes:
        stride: 1 or 2.
        size: of the images, (H, W).
        channels: of the images.
        positions: of a task's maps.
    """

    stride: int
    size: tuple[int, int]
    channels: int
    positions: int

    @classmethod
    def of(cls, images: Tensor, stride: int) -> Self:
        _, batch, channels, height, width = images.shape
        return cls(stride, (height, width), channels, batch * -(-height // stride) * -(-width // stride))


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
        return _product("maps", {"images": images, "weight": weight}, _Shape.of(images, stride))
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


class _Product(torch.autograd.Function):
    """One of the three: of two of images, weights and the gradient of their maps, what reaches the third."""

    @staticmethod
    def forward(ctx: Any, wanted: _Wanted, left: Tensor, right: Tensor, shape: _Shape) -> Tensor:
        ctx.save_for_backward(left, right)
        ctx.wanted, ctx.shape = wanted, shape
        return _computed(wanted, left, right, shape)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, ...]:
        left, right = ctx.saved_tensors
        given = {ctx.wanted: cotangent} | dict(zip(_FACTORS[ctx.wanted], (left, right), strict=True))
        reached = [
            _product(factor, given, ctx.shape) if asked else None
            for factor, asked in zip(_FACTORS[ctx.wanted], ctx.needs_input_grad[1:3], strict=True)
        ]
        return (None, *reached, None)


def _product(wanted: _Wanted, given: Mapping[_Wanted, Tensor], shape: _Shape) -> Tensor:
    left, right = (given[factor] for factor in _FACTORS[wanted])
    found: Tensor = _Product.apply(wanted, left, right, shape)  # type: ignore[no-untyped-call]
    return found


def _computed(wanted: _Wanted, left: Tensor, right: Tensor, shape: _Shape) -> Tensor:
    """Compute by the kernels that are the fastest for such maps and weights."""
    weight = {"maps": right, "images": right, "weight": None}[wanted]
    few = shape.channels < _FEW_CHANNELS
    shared = weight is not None and whole_convolutions.share_weights(weight)
    small = few or (shape.positions <= _MOST_POSITIONS and not shared)
    kernels: Any = patch_products if small else whole_convolutions
    found: Tensor
    if wanted == "maps":
        found = kernels.convolve(left, right, shape.stride)
    elif wanted == "images":
        found = kernels.input_gradient(left, right, shape.stride, shape.size)
    else:
        found = kernels.weight_gradient(left, right, shape.stride)
    return found


def _channels_last(images: Tensor) -> Tensor:
    if images.shape[1] > 1:
        return images.contiguous(memory_format=torch.channels_last)
    # Both layouts of one channel are the same bytes: only the strides can tell which the result shall have.
    _, _, height, width = images.shape
    return images.contiguous().as_strided(images.shape, (height * width, 1, width, 1))
