"""One gradient step of the inner loop on all that moves, as one function: no pass over it too many."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def stepped(
    values: Mapping[str, Tensor], rates: Mapping[str, Tensor], gradients: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Move each tensor against its gradient: value - rate * gradient (Finn et al. 2017, eq. 1).

    Args:
        values: by name, ``[T, ...]``.
        rates: of the same names, each a scalar or of a shape that broadcasts to the value's.
        gradients: in the order of ``values``.

    Returns:
        The moved tensors by name; they can be differentiated by all three.
    """
    of_values = [rates[name] for name in values]
    moved = _Step.apply(*values.values(), *of_values, *gradients)  # type: ignore[no-untyped-call]
    return dict(zip(values, moved, strict=True))


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> tuple[Tensor, ...]:
        values, rates, gradients = _thirds(tensors)
        ctx.save_for_backward(*rates, *gradients)
        ctx.set_materialize_grads(False)
        return tuple(
            torch.addcmul(value, rate, gradient, value=-1)
            for value, rate, gradient in zip(values, rates, gradients, strict=True)
        )

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
        saved, wanted = ctx.saved_tensors, ctx.needs_input_grad
        number = len(cotangents)
        to_rates: list[Tensor | None] = []
        to_gradients: list[Tensor | None] = []
        for place, cotangent in enumerate(cotangents):
            rate, gradient = saved[place], saved[number + place]
            to_rate = to_gradient = None
            if cotangent is not None and wanted[number + place]:
                to_rate = (cotangent * gradient).sum_to_size(rate.shape).neg()
            if cotangent is not None and wanted[2 * number + place]:
                to_gradient = cotangent * -rate
            to_rates.append(to_rate)
            to_gradients.append(to_gradient)
        return (*cotangents, *to_rates, *to_gradients)


def _thirds(tensors: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]]:
    number = len(tensors) // 3
    return tensors[:number], tensors[number : 2 * number], tensors[2 * number :]
