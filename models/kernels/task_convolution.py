"""Convolution of several tasks at once, with shared or per-task weights, differentiable any number of times.

The convolution is linear in its images and in its weights, and its two gradients are likewise bilinear, each an
adjoint of the others. So two functions suffice, for the maps and for both gradients, whose derivatives are those
same two functions. torch would differentiate its own gradients by other routines, several times slower, and they
are most of the work of second-order MAML.

Under autocast to bfloat16, the maps and the inner loop's gradients are still computed in float32, so that theta
is what the service computes; only the factors in the outer gradient's products are rounded to bfloat16. An error
in the third digit of a map flips signs before ReLU, and each flip adds or removes a whole path of the gradient;
the same error in a factor of a gradient changes the gradient only in its third digit.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self

import torch
from torch import Tensor

from models.kernels import patch_products, whole_convolutions
from models.kernels.layouts import channels_innermost
from models.kernels.native import convolution as native
from models.kernels.precision import full_precision, is_autocast

_MOST_POSITIONS = 1024  # of a task's maps: up to so many, of torch's operations products over patches are fastest
_FEW_CHANNELS = 4  # with fewer channels, they are the fastest for any number of positions


@dataclass(frozen=True)
class Plan:
    """What the convolution and its gradients share.

    Attributes:
        stride: 1 or 2.
        size: of the images, (H, W).
        channels: of the images.
        filters: channels of the maps.
        positions: of a task's maps, over all its images.
        reduced: whether the outer gradient multiplies bfloat16 numbers.
    """

    stride: int
    size: tuple[int, int]
    channels: int
    filters: int
    positions: int
    reduced: bool

    @classmethod
    def of(cls, images: Tensor, weight: Tensor, stride: int) -> Self:
        """Derive it from images ``[T, B, C, H, W]``, weights ``[T, O, C, 3, 3]`` and the state of autocast."""
        _, batch, channels, height, width = images.shape
        positions = batch * -(-height // stride) * -(-width // stride)
        reduced = is_autocast(images.device)
        return cls(stride, (height, width), channels, weight.shape[1], positions, reduced)

    def reduced_now(self, device: torch.device) -> bool:
        """Whether to round: only in the outer gradient, which unlike inner ones is computed outside autocast."""
        return self.reduced and not is_autocast(device)


def convolve(images: Tensor, weight: Tensor, stride: int, *, channels_last: bool = False) -> Tensor:
    """Convolve 3x3 with padding 1.

    Args:
        images: ``[T, B, C, H, W]``.
        weight: ``[O, C, 3, 3]`` for all tasks, or ``[T, O, C, 3, 3]``, one for each.
        stride: 1 or 2.
        channels_last: whether channel-wise operations follow. Shared weights are then applied by torch's
            convolution, in autocast's precision, and the result has its channels innermost.

    Returns:
        ``[T, B, O, H', W']``.
    """
    tasks, batch = images.shape[:2]
    if weight.ndim == 5 and tasks == 1 and not (torch.is_grad_enabled() and weight.requires_grad):
        weight = weight[0]
    if weight.ndim == 5:
        return _convolve(images, weight, stride)
    flat = images.flatten(0, 1)
    if not channels_last and native.supports(images, weight, len(weight)):
        maps = _convolve(flat[None], weight[None], stride)
        return maps.view(tasks, batch, *maps.shape[2:])
    if channels_last:
        flat = channels_innermost(flat)
    if len(flat) == 1:
        # torch computes a single small image by a different routine, which takes two to three times as long as
        # two images do, and gives different last bits: an image alone would differ from the same one in a batch.
        flat = torch.nn.functional.conv2d(torch.cat([flat, flat]), weight, stride=stride, padding=1)[:1]
    else:
        flat = torch.nn.functional.conv2d(flat, weight, stride=stride, padding=1)
    return flat.view(tasks, batch, *flat.shape[1:])


def _convolve(images: Tensor, weight: Tensor, stride: int) -> Tensor:
    found: Tensor = _Maps.apply(images, weight, Plan.of(images, weight, stride))  # type: ignore[no-untyped-call]
    return found


def convolution_gradients(
    gradient: Tensor, images: Tensor, weight: Tensor, plan: Plan, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of images ``[T, B, C, H, W]`` and weight ``[T, O, C, 3, 3]``, given that of the maps.

    Args:
        gradient: of the maps, ``[T, B, O, H', W']``.
        images: as they were convolved.
        weight: by which they were convolved, one for each task.
        plan: of the convolution.
        wanted: whether to compute that of the images, and that of the weight; otherwise it is None.

    Returns:
        Both, differentiable again.
    """
    found: tuple[Tensor | None, Tensor | None]
    found = _Gradients.apply(gradient, images, weight, plan, wanted)  # type: ignore[no-untyped-call]
    return found


class _Maps(torch.autograd.Function):
    """The convolution of images by weights."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, plan: Plan) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.plan = plan
        return _maps(images, weight, plan, reduced=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        wanted = ctx.needs_input_grad[:2]
        images, weight = ctx.saved_tensors
        return (*convolution_gradients(gradient, images, weight, ctx.plan, wanted), None)


class _Gradients(torch.autograd.Function):
    """From a gradient of the maps to those of the images and of the weights, as ``wanted``."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, images: Tensor, weight: Tensor, plan: Plan, wanted: tuple[bool, bool]
    ) -> tuple[Tensor | None, Tensor | None]:
        ctx.save_for_backward(gradient, images, weight)
        ctx.set_materialize_grads(False)
        ctx.plan = plan
        return (
            _to_images(gradient, weight, plan) if wanted[0] else None,
            _to_weight(gradient, images, plan) if wanted[1] else None,
        )

    @staticmethod
    def backward(ctx: Any, of_images: Tensor | None, of_weight: Tensor | None) -> tuple[Tensor | None, ...]:
        gradient, images, weight = ctx.saved_tensors
        to_gradient: Tensor | None = None
        if ctx.needs_input_grad[0]:
            pairs = [
                (left, right)
                for left, right in ((of_images, weight), (images, of_weight))
                if left is not None and right is not None
            ]
            to_gradient = _sum_of_maps(pairs, ctx.plan)
        # In the gradient of the weights, the images' cotangent takes the images' place, and conversely.
        wanted = (
            ctx.needs_input_grad[1] and of_weight is not None,
            ctx.needs_input_grad[2] and of_images is not None,
        )
        left = images if of_images is None else of_images
        right = weight if of_weight is None else of_weight
        return (to_gradient, *convolution_gradients(gradient, left, right, ctx.plan, wanted), None, None)


def _sum_of_maps(pairs: list[tuple[Tensor, Tensor]], plan: Plan) -> Tensor | None:
    total: Tensor | None = None
    for left, right in pairs:
        if torch.is_grad_enabled():  # a third derivative may follow
            maps: Tensor = _Maps.apply(left, right, plan)  # type: ignore[no-untyped-call]
            total = maps if total is None else total + maps
        elif total is not None and native.supports(left, right, plan.filters):
            native.add_convolved(total, left, right, plan.stride, reduced=plan.reduced_now(left.device))
        else:
            maps = _maps(left, right, plan, reduced=plan.reduced_now(left.device))
            total = maps if total is None else total.add_(maps)
    return total


def _maps(images: Tensor, weight: Tensor, plan: Plan, *, reduced: bool) -> Tensor:
    if native.supports(images, weight, plan.filters):
        return native.convolve(images, weight, plan.stride, reduced=reduced)
    with full_precision(images):
        left, right = _rounded(reduced, images, weight)
        found: Tensor = _kernels(plan, weight).convolve(left, right, plan.stride)
    return found.to(images.dtype)


def _to_images(gradient: Tensor, weight: Tensor, plan: Plan) -> Tensor:
    reduced = plan.reduced_now(gradient.device)
    if native.supports(gradient, weight, plan.channels):
        return native.input_gradient(gradient, weight, plan.stride, plan.size, reduced=reduced)
    with full_precision(gradient):
        left, right = _rounded(reduced, gradient, weight)
        found: Tensor = _kernels(plan, weight).input_gradient(left, right, plan.stride, plan.size)
    return found.to(gradient.dtype)


def _to_weight(gradient: Tensor, images: Tensor, plan: Plan) -> Tensor:
    reduced = plan.reduced_now(gradient.device)
    if native.supports(gradient, images, plan.filters):
        return native.weight_gradient(gradient, images, plan.stride, reduced=reduced)
    with full_precision(gradient):
        left, right = _rounded(reduced, gradient, images)
        found: Tensor = _kernels(plan).weight_gradient(left, right, plan.stride)
    return found.to(gradient.dtype)


def _rounded(reduced: bool, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    return (left.bfloat16(), right.bfloat16()) if reduced else (left, right)


def _kernels(plan: Plan, weight: Tensor | None = None) -> ModuleType:
    """The module of torch operations that is the fastest for such maps and weights."""
    few = plan.channels < _FEW_CHANNELS
    shared = weight is not None and whole_convolutions.share_weights(weight)
    small = few or (plan.positions <= _MOST_POSITIONS and not shared)
    return patch_products if small else whole_convolutions
