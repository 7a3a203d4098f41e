"""Random numbers as a function of their place: no generator, no order of drawing, no state."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def uniform(places: NDArray[np.int64], count: int) -> Floats:
    """Give each place its own ``count`` independent numbers in [0, 1).

    The streams are SplitMix64's (Steele, Lea and Flood 2014), each started from a hash of the place. A place
    gives the same numbers whatever other places it is drawn with, and on any version of any library.

    Args:
        places: ``[B, k]`` integers, for example seed, class and example.
        count: how many numbers each place gets.

    Returns:
        ``[B, count]``.
    """
    state = np.zeros(len(places), dtype=np.uint64)
    for column in places.astype(np.uint64).T:
        state = _mix(state + _GOLDEN) ^ _mix(column + _FIRST)
    steps = np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
    bits = _mix(_mix(state)[:, None] + steps) >> np.uint64(11)
    return bits * 2.0**-53


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))
