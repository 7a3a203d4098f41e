"""Confidence that says the same of every task."""

import math

from models.confidence import KEPT, Confidence
from models.expectation import Expectation, Expected
from models.task_size import BySize


def constant_expected(accuracy: float, low: float, high: float, terms: int) -> Expected:
    """Expect the same accuracy, with the same interval, of every task."""

    def from_accuracy(end: float) -> tuple[float, ...]:
        return (math.log(abs(math.asin(math.sqrt(end)) - math.asin(math.sqrt(accuracy)))), 0.0, 0.0, 0.0)

    logit = math.log(accuracy / (1 - accuracy))
    return Expected((logit, *[0.0] * (terms - 1)), from_accuracy(low), from_accuracy(high), 20)


def constant_confidence(
    temperature: float = 1.0,
    known_above: float = 0.2,
    by_means: tuple[float, float, float] = (0.9, 0.8, 0.95),
    by_left_out: tuple[float, float, float] = (0.7, 0.6, 0.75),
) -> Confidence:
    """Confidence of one temperature, one threshold whatever share is to be kept, and two estimates."""
    expectation = Expectation(4.0, constant_expected(*by_means, 4), constant_expected(*by_left_out, 5))
    return Confidence(BySize(math.log(temperature)), tuple(BySize(known_above) for _ in KEPT), expectation)
