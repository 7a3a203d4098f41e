"""One gradient step of the inner loop on all tensors that move, as one function, to save passes over memory."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from models.kernels.native import step as native

One = TypeVar("One")


def stepped(
    values: Mapping[str, Tensor], rates: Mapping[str, Tensor], gradients: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Move each tensor against its gradient: value - rate * gradient (Finn et al. 2017, eq. 1).

    Args:
        values: by name, ``[T, ...]``, or ``[...]`` for a tensor from which all tasks start.
        rates: under the same names, each a scalar or of a shape that broadcasts to the gradient's.
        gradients: ``[T, ...]``, in the order of ``values``.

    Returns:
        The moved tensors ``[T, ...]`` by name, differentiable with respect to all three arguments.
    """
    of_values = [rates[name] for name in values]
    moved = _Step.apply(*values.values(), *of_values, *gradients)  # type: ignore[no-untyped-call]
    return dict(zip(values, moved, strict=True))


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> tuple[Tensor, ...]:
        values, rates, gradients = _thirds(tensors)
        ctx.save_for_backward(*rates, *gradients)
        ctx.shared = [value.ndim < gradient.ndim for value, gradient in zip(values, gradients, strict=True)]
        ctx.set_materialize_grads(False)
        # tuple(generator) grows a tuple that gc.get_objects() shows to other threads meanwhile, which breaks it
        moved = [
            torch.addcmul(value, rate, gradient, value=-1)
            for value, rate, gradient in zip(values, rates, gradients, strict=True)
        ]
        return tuple(moved)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
        rates, gradients = ctx.saved_tensors[: len(cotangents)], ctx.saved_tensors[len(cotangents) :]
        wanted = zip(*_thirds(ctx.needs_input_grad), strict=True)
        each = zip(cotangents, rates, gradients, ctx.shared, wanted, strict=True)
        found = [_sent(*one) for one in each]
        to_values, to_rates, to_gradients = zip(*found, strict=True)
        return (*to_values, *to_rates, *to_gradients)


def _sent(
    cotangent: Tensor | None, rate: Tensor, gradient: Tensor, shared: bool, wanted: tuple[bool, bool, bool]
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """What reaches a tensor's value, rate and gradient from a cotangent of the moved tensor; None if unwanted."""
    if cotangent is None:
        return None, None, None
    if wanted[1] and not torch.is_grad_enabled() and native.supports(cotangent, gradient, rate):
        to_shared, to_gradient, to_rate = native.gradients(
            cotangent, gradient, rate, to_shared=shared and wanted[0], to_gradient=wanted[2]
        )
        return (to_shared if shared else cotangent), to_rate, to_gradient
    return (
        cotangent.sum(0) if shared and wanted[0] else cotangent,
        (cotangent * gradient).sum_to_size(rate.shape).neg() if wanted[1] else None,
        cotangent * -rate if wanted[2] else None,
    )


def _thirds(whole: Sequence[One]) -> tuple[Sequence[One], Sequence[One], Sequence[One]]:
    number = len(whole) // 3
    return whole[:number], whole[number : 2 * number], whole[2 * number :]
