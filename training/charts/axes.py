"""Axes: they turn values into positions in pixels, and have ticks at round numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 2.5, 5, 10)
_SHORT = 2  # powers of ten: a logarithmic axis of at most so many has more ticks


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        low: value at its start.
        high: value at its end.
        start: position of its start, in pixels.
        end: position of its end, in pixels; less than the start if the axis runs upwards.
        ticks: marked values and their labels.
        log: whether it is logarithmic, so that equal lengths are equal ratios.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False

    def place(self, value: float) -> float:
        """The position of a value, in pixels; a value beyond an end of the axis lies at that end."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = (math.log(one) for one in (low, high, value))
        share = (value - low) / (high - low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


def linear(values: Sequence[float], start: float, end: float, *, about: int = 5, most: float = math.inf) -> Axis:
    """Make an axis over all values with roughly ``about`` steps between round ticks, none above ``most``."""
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
    """Make an axis over positive values, between powers of ten; a short one has ticks between them, too."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    last = max(last, first + 1)
    between = (1, 2, 5) if last - first <= _SHORT else (1,)
    values = [factor * 10.0**power for power in range(first, last + 1) for factor in between]
    ticks = tuple((value, f"{value:g}") for value in values if value <= 10.0**last)
    return Axis(ticks[0][0], ticks[-1][0], start, end, ticks, log=True)


def categories(labels: Sequence[str], start: float, end: float) -> Axis:
    """Make an axis of evenly spaced labels: the first has the value 0, the next 1, and so on."""
    margin = 0.35 if len(labels) > 1 else 0.5
    ticks = tuple((float(place), label) for place, label in enumerate(labels))
    return Axis(-margin, len(labels) - 1 + margin, start, end, ticks)
