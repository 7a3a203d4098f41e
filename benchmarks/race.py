"""Times contenders in turn, so that a slow minute of the machine falls on all of them."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """One way of doing the same work.

    Attributes:
        name: as shown in the table.
        work: does ``units`` units of work, and returns when they are done.
        units: number of tasks, requests or images.
    """

    name: str
    work: Callable[[], object]
    units: int = 1


@dataclass(frozen=True)
class Timed:
    """Seconds per unit, in each round."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Seconds per unit, in the median round."""
        return statistics.median(self.seconds)

    @property
    def rate(self) -> float:
        """Units per second, in the median round."""
        return 1 / self.median


def race(contenders: Sequence[Contender], *, rounds: int, turn: float) -> list[Timed]:
    """Time each contender once a round.

    Args:
        contenders: who takes part; each works once unmeasured, and once more to find how often to repeat.
        rounds: number of turns of each.
        turn: seconds that a turn should last at least.
    """
    repeats = []
    for one in contenders:
        one.work()
        repeats.append(max(1, math.ceil(turn / _seconds(one, 1))))
    seconds: list[list[float]] = [[] for _ in contenders]
    for _ in range(rounds):
        for row, one, times in zip(seconds, contenders, repeats, strict=True):
            row.append(_seconds(one, times) / (times * one.units))
    return [Timed(one.name, tuple(row)) for one, row in zip(contenders, seconds, strict=True)]


def _seconds(one: Contender, times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        one.work()
    return time.perf_counter() - start
