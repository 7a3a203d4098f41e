"""Draws without replacement, many rows at once, from given random numbers in [0, 1)."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def whole(uniform: Floats, below: Integers | int) -> Integers:
    """Turn numbers in [0, 1) into whole numbers in ``0 .. below - 1``."""
    result: Integers = np.floor(uniform * below).astype(np.int64)
    return result


def distinct(uniform: Floats, sizes: Integers, counts: Integers) -> Integers:
    """Draw ``counts[b]`` different whole numbers below ``sizes[b]`` in each row b, in random order.

    Floyd's sampling (Bentley and Floyd 1987, "A sample of brilliance"), then a shuffle: the work depends on
    how many are drawn, not on how many there are to draw from.

    Args:
        uniform: ``[B, 2 * m]`` independent numbers in [0, 1), m the largest count.
        sizes: ``[B]``, each at least the row's count.
        counts: ``[B]``, numbers to draw in each row.

    Returns:
        ``[B, m]``, padded with -1 after ``counts[b]`` numbers.
    """
    most = uniform.shape[1] // 2
    drawn = np.full((len(sizes), most), -1, dtype=np.int64)
    for step in range(most):
        last = sizes - counts + step
        candidate = whole(uniform[:, step], last + 1)
        taken = (drawn[:, :step] == candidate[:, None]).any(1)
        drawn[:, step] = np.where(step < counts, np.where(taken, last, candidate), -1)
    # Floyd's sets are uniform, but their order is not.
    keys = np.where(drawn >= 0, uniform[:, most:], 2.0)
    result: Integers = np.take_along_axis(drawn, keys.argsort(1), 1)
    return result
