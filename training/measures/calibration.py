"""Fits what a card says of confidence, on validation tasks alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from models.confidence import Confidence, Expected
from training.measures.evaluation import Measured, Protocol

_KEPT = 0.95  # share of queries of known classes that are to be told known


@dataclass(frozen=True)
class Fitted:
    """Validation tasks of one size, and what was measured on them."""

    protocol: Protocol
    measured: Measured


def fit_confidence(fitted: Sequence[Fitted]) -> Confidence:
    """Fit temperature and the threshold of the unknown, each size of task counting the same."""
    return Confidence(
        temperature=_fit_temperature(fitted),
        known_above=_fit_threshold(fitted),
        expected=tuple(_expected(entry) for entry in fitted),
    )


def _fit_temperature(fitted: Sequence[Fitted]) -> float:
    log_temperature = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")
    data = [(entry.measured.logits.flatten(0, 1).double(), entry.measured.labels.flatten()) for entry in fitted]

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        losses = [
            torch.nn.functional.cross_entropy(logits / log_temperature.exp(), labels) for logits, labels in data
        ]
        loss = torch.stack(losses).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    return float(log_temperature.detach().exp())


def _fit_threshold(fitted: Sequence[Fitted]) -> float:
    thresholds = [entry.measured.familiarities.flatten().double().quantile(1 - _KEPT) for entry in fitted]
    return float(torch.stack(thresholds).mean())


def _expected(entry: Fitted) -> Expected:
    accuracies = entry.measured.accuracies
    low, high = accuracies.quantile(torch.tensor([0.025, 0.975], dtype=accuracies.dtype)).tolist()
    accuracy = round(entry.measured.accuracy, 5)  # as the card's rows, without a float's trailing digits
    return Expected(entry.protocol.ways, entry.protocol.shots, accuracy, low, high)
