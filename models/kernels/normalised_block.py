"""The block after a convolution as one function: group normalisation, optionally a maximum over 2x2, and ReLU."""

from typing import Any

import torch
from torch import Tensor

from models.kernels.native import normalisation as native
from models.kernels.task_group_norm import EPSILON, group_norm, last_derivative


def normalised_block(maps: Tensor, groups: int, scale: Tensor, shift: Tensor, *, pooled: bool) -> Tensor:
    """Normalise each image's groups of channels (Wu and He 2018, eq. 7), scale, shift, pool and apply ReLU.

    Args:
        maps: ``[T, B, C, H, W]``, which may be overwritten.
        groups: how many groups the C channels form.
        scale: ``[C]`` for all tasks, or ``[T, C]`` with a row for each.
        shift: as ``scale``.
        pooled: whether to take the maximum over 2x2, leaving out an odd last row or column.

    Returns:
        ``[T, B, C, H', W']``, differentiable twice.
    """
    if native.supports(maps, scale, shift):
        shared = scale.ndim == 1
        of_tasks = maps.flatten(0, 1)[None] if shared else maps
        rows = (scale[None], shift[None]) if shared else (scale, shift)
        found: Tensor = _Block.apply(of_tasks, *rows, groups, pooled)  # type: ignore[no-untyped-call]
        return found.view(*maps.shape[:2], *found.shape[2:]) if shared else found
    maps = group_norm(maps, groups, scale, shift)
    # ReLU after the maximum, with which it commutes, on a quarter of the map; in place, since no gradient needs
    # the values before it, and the maps are most of the memory traffic.
    return (max_pool(maps) if pooled else maps).relu_()


def max_pool(maps: Tensor) -> Tensor:
    """The maximum over 2x2 of ``[T, B, C, H, W]``."""
    halved = torch.nn.functional.max_pool2d(maps.flatten(0, 1), 2)
    return halved.view(*maps.shape[:2], *halved.shape[1:])


def block_gradient(
    gradient: Tensor, maps: Tensor, scale: Tensor, shift: Tensor, moments: Tensor, groups: int, pooled: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of maps ``[T, B, C, H, W]``, scale and shift ``[T, C]``; computed in C, and differentiable once.

    Args:
        gradient: of the result, ``[T, B, C, H', W']``.
        maps: as they were normalised, like all that follows.
        scale: ``[T, C]``.
        shift: ``[T, C]``.
        moments: of the maps, ``[T, B, 2, C]``, as ``native.Block.result`` returned them.
        groups: how many groups the C channels form.
        pooled: whether the maximum over 2x2 was taken.
    """
    found: tuple[Tensor, Tensor, Tensor]
    found = _BlockGradient.apply(gradient, maps, scale, shift, moments, groups, pooled)  # type: ignore[no-untyped-call]
    return found


class _Block(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, scale: Tensor, shift: Tensor, groups: int, pooled: bool) -> Tensor:
        found, moments = native.Block.of(maps, scale, shift, groups, pooled).result(EPSILON)
        ctx.save_for_backward(maps, scale, shift, moments)
        ctx.groups, ctx.pooled = groups, pooled
        return found

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        maps, scale, shift, moments = ctx.saved_tensors
        arguments = (gradient, maps, scale, shift, moments.detach(), ctx.groups, ctx.pooled)
        return (*block_gradient(*arguments), None, None)


class _BlockGradient(torch.autograd.Function):
    """From the gradient of the result to those of maps, scale and shift."""

    @staticmethod
    def forward(
        ctx: Any,
        gradient: Tensor,
        maps: Tensor,
        scale: Tensor,
        shift: Tensor,
        moments: Tensor,
        groups: int,
        pooled: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.save_for_backward(gradient, maps, scale, shift, moments)
        ctx.groups, ctx.pooled = groups, pooled
        return native.Block.of(maps, scale, shift, groups, pooled).gradient(moments, gradient)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        gradient, maps, scale, shift, moments = ctx.saved_tensors
        block = native.Block.of(maps, scale, shift, ctx.groups, ctx.pooled)
        of_maps, of_scale, of_shift = cotangents
        found = block.second(moments, gradient, (of_maps, of_scale, of_shift))
        if torch.is_grad_enabled():
            sources = (*cotangents, gradient, maps, scale)
            first, second, third = (last_derivative(one, sources) for one in found)
            found = first, second, third
        return (*found, None, None, None, None)
