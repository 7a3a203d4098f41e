"""Gradients of several tasks' inner step, value - rate * gradient, in C, in one pass over the numbers."""

import ctypes

from torch import Tensor

from models.kernels.layouts import as_kernels, as_matrices
from models.kernels.native.compiled import function, library
from models.kernels.native.shapes import address, are_floats_here


def supports(cotangent: Tensor, gradient: Tensor, rate: Tensor) -> bool:
    """Whether these can be computed here: a single rate, and tensors laid out in the same order."""
    alike = _are_plain(cotangent, gradient) or _are_kernels(cotangent, gradient)
    return rate.numel() == 1 and alike and are_floats_here(cotangent, gradient, rate) and library() is not None


def gradients(
    cotangent: Tensor, gradient: Tensor, rate: Tensor, *, to_shared: bool, to_gradient: bool
) -> tuple[Tensor | None, Tensor | None, Tensor]:
    """From a cotangent of the moved values to those of what they were computed from.

    Args:
        cotangent: ``[T, ...]``.
        gradient: ``[T, ...]``, against which the values moved.
        rate: of one element.
        to_shared: whether to compute the cotangent of a value ``[...]`` that all tasks share.
        to_gradient: whether to compute that of the gradient.

    Returns:
        The cotangents of the shared value, of the gradient and of the rate; None for what is not computed.
    """
    plain = _are_plain(cotangent, gradient)
    rows, others = (cotangent, gradient) if plain else (as_matrices(cotangent), as_matrices(gradient))
    of_value = rows.new_empty(rows.shape[1:]) if to_shared else None
    of_gradient = rows.new_empty(rows.shape) if to_gradient else None
    of_rate = rows.new_empty(rate.shape)
    function("step_gradients")(
        *(ctypes.c_int64(len(rows)), ctypes.c_int64(rows[0].numel())),
        *(address(rows), address(others), address(rate)),
        *(None if one is None else address(one) for one in (of_value, of_gradient)),
        address(of_rate),
    )
    if plain:
        return of_value, of_gradient, of_rate
    as_they_came = [None if one is None else as_kernels(one) for one in (of_value, of_gradient)]
    return as_they_came[0], as_they_came[1], of_rate


def _are_plain(*tensors: Tensor) -> bool:
    return all(one.is_contiguous() for one in tensors)


def _are_kernels(*tensors: Tensor) -> bool:
    return all(one.ndim == 5 and as_matrices(one).is_contiguous() for one in tensors)
