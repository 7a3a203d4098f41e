"""Axes: from values to places, and round numbers to mark them by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 2.5, 5, 10)
_SHORT = 2  # powers of ten


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        low: value at its start.
        high: value at its end.
        start: place of its start, in pixels.
        end: place of its end; before the start where it runs upwards.
        ticks: marked values and their labels.
        log: whether equal lengths are equal ratios.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value lies; one beyond an end lies on it."""
        low, high, value = (
            (math.log(one) for one in (self.low, self.high, value))
            if self.log
            else (
                self.low,
                self.high,
                value,
            )
        )
        share = (value - low) / (high - low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


def linear(values: Sequence[float], start: float, end: float, *, about: int = 5, most: float = math.inf) -> Axis:
    """An axis over all values, from round number to round number: about so many, none above ``most``."""
    low, high = min(values), max(values)
    if high - low < 1e-9:
        low, high = low - 1, high + 1
    raw = (high - low) / about
    power = 10 ** math.floor(math.log10(raw))
    step = next(one * power for one in _STEPS if one * power >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(min(high, most) / step - 1e-9)
    last = min(last, math.floor(most / step)) if most < math.inf else last
    digits = max(0, -math.floor(math.log10(step) + 1e-9) + (1 if step / power == _STEPS[2] else 0))
    ticks = tuple((number * step, f"{number * step:.{digits}f}") for number in range(first, last + 1))
    return Axis(ticks[0][0], max(ticks[-1][0], min(high, most)), start, end, ticks)


def logarithmic(values: Sequence[float], start: float, end: float) -> Axis:
    """An axis over positive values, from power of ten to power of ten; a short one has ticks between them."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    last = max(last, first + 1)
    between = (1, 2, 5) if last - first <= _SHORT else (1,)
    values = [factor * 10.0**power for power in range(first, last + 1) for factor in between]
    ticks = tuple((value, f"{value:g}") for value in values if value <= 10.0**last)
    return Axis(ticks[0][0], ticks[-1][0], start, end, ticks, log=True)


def categories(labels: Sequence[str], start: float, end: float) -> Axis:
    """An axis of labels, evenly spread: the first has value 0, the next 1."""
    margin = 0.35 if len(labels) > 1 else 0.5
    ticks = tuple((float(place), label) for place, label in enumerate(labels))
    return Axis(-margin, len(labels) - 1 + margin, start, end, ticks)
