"""A convolution with the normalised block that follows it, as one function wherever that is fastest."""

from typing import Any

import torch
from torch import Tensor

from models.kernels.native.convolved_block import Layer
from models.kernels.normalised_block import block_gradient, normalised_block
from models.kernels.task_convolution import Plan, convolution_gradients, convolve
from models.kernels.task_group_norm import EPSILON


def convolved_block(
    images: Tensor, weight: Tensor, stride: int, groups: int, scale: Tensor, shift: Tensor, *, pooled: bool
) -> Tensor:
    """Convolve (see ``task_convolution``), then normalise, pool and ReLU (see ``normalised_block``).

    Args:
        images: ``[T, B, C, H, W]``.
        weight: ``[O, C, 3, 3]`` for all tasks, or ``[T, O, C, 3, 3]``, one for each.
        stride: 1 or 2.
        groups: how many groups the O channels form.
        scale: ``[O]`` for all tasks, or ``[T, O]`` with a row for each.
        shift: as ``scale``.
        pooled: whether to take the maximum over 2x2.

    Returns:
        ``[T, B, O, H', W']``, differentiable twice.
    """
    layer = Layer(stride, groups, pooled)
    if weight.ndim - scale.ndim != 3 or not layer.supports(images, weight, scale, shift):
        return normalised_block(convolve(images, weight, stride), groups, scale, shift, pooled=pooled)
    if weight.ndim == 5:
        return _computed(layer, images, weight, scale, shift)
    found = _computed(layer, images.flatten(0, 1)[None], weight[None], scale[None], shift[None])
    return found.view(*images.shape[:2], *found.shape[2:])


def _computed(layer: Layer, images: Tensor, weight: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    plan = Plan.of(images, weight, layer.stride)
    found: Tensor
    found, _ = _ConvolvedBlock.apply(images, weight, scale, shift, layer, plan)  # type: ignore[no-untyped-call]
    return found


class _ConvolvedBlock(torch.autograd.Function):
    """Computes the result, and the convolution's maps as a second output.

    In a second derivative, the maps receive a gradient too. With the maps as an output, it arrives together with
    that of the result, and both go back through the convolution at once.
    """

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, weight: Tensor, scale: Tensor, shift: Tensor, layer: Layer, plan: Plan
    ) -> tuple[Tensor, Tensor]:
        found, maps, moments = layer.result(images, weight, scale, shift, EPSILON)
        ctx.save_for_backward(images, weight, scale, shift, maps, moments)
        ctx.set_materialize_grads(False)
        ctx.layer, ctx.plan = layer, plan
        return found, maps

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, of_maps: Tensor | None) -> tuple[Tensor | None, ...]:
        images, weight, scale, shift, maps, moments = ctx.saved_tensors
        layer, plan = ctx.layer, ctx.plan
        wanted = ctx.needs_input_grad[:2]
        if gradient is None:
            assert of_maps is not None, "or there would be nothing to differentiate"
            return (*convolution_gradients(of_maps, images, weight, plan, wanted), None, None, None, None)
        if not torch.is_grad_enabled():
            kept = images, weight, scale, shift, maps, moments
            reduced = plan.reduced_now(images.device)
            found = layer.gradients(gradient, of_maps, kept, to_images=wanted[0], reduced=reduced)
            return (*found, None, None)
        arguments = (maps, scale, shift, moments.detach(), layer.groups, layer.pooled)
        to_maps, to_scale, to_shift = block_gradient(gradient, *arguments)
        to_maps = to_maps if of_maps is None else to_maps + of_maps
        to_images, to_weight = convolution_gradients(to_maps, images, weight, plan, wanted)
        return to_images, to_weight, to_scale, to_shift, None, None
