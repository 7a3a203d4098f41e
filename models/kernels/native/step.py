"""What reaches the parts of a step, value - rate * gradient, of several tasks, in one pass over it, in C."""

import ctypes

from torch import Tensor

from models.kernels.native.compiled import function, library
from models.kernels.native.shapes import address, are_floats_here
from models.kernels.patch_products import as_kernels, as_matrices


def supports(cotangent: Tensor, gradient: Tensor, rate: Tensor) -> bool:
    """Whether these can be computed here: one rate for all, and numbers that lie in the same order."""
    alike = _are_plain(cotangent, gradient) or _are_kernels(cotangent, gradient)
    return rate.numel() == 1 and alike and are_floats_here(cotangent, gradient, rate) and library() is not None


def gradients(
    cotangent: Tensor, gradient: Tensor, rate: Tensor, *, to_shared: bool, to_gradient: bool
) -> tuple[Tensor | None, Tensor | None, Tensor]:
    """What a cotangent ``[T, ...]`` of the moved values sends to what they were computed from.

    Args:
        cotangent: ``[T, ...]``.
        gradient: ``[T, ...]``, against which the values moved.
        rate: of one element.
        to_shared: whether that to a value ``[...]`` of all tasks is wanted, else it is None.
        to_gradient: whether that to the gradient is wanted, else it is None.

    Returns:
        What reaches the value, the gradient and the rate.
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
