"""Small regressions in double precision, with all but the constant pulled slightly towards 0."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

# Factors of the squared weights of standardised terms, except the constant's. The first is usual; the next is
# taken where one leaves a weight too large, as few tasks of few sizes may.
_PULLS = (1e-6, 1e-4, 1e-2, 1.0)
_MOST = 100.0  # bound on each weight of a card (see ``models.confidence``); usual ones are a tenth of it
# Least standard deviation of a term, where a few units are usual: one that varies less counts as constant.
_LEAST_SPREAD = 1e-3
_LEAST = 1e-4  # of a quantile before its logarithm is taken
_SMOOTH = 0.003  # half the width of the rounded corner of the quantile loss, in units of the values


def minimised(loss: Callable[[Tensor], Tensor], weights: int) -> Tensor:
    """Find the W weights ``[W]`` of least loss by L-BFGS, starting from 0.

    If it runs off to where nothing is finite, they are the best that were tried before.
    """
    found = torch.zeros(weights, dtype=torch.float64, requires_grad=True)
    best, least = found.detach().clone(), torch.inf
    optimiser = torch.optim.LBFGS([found], max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        nonlocal best, least
        optimiser.zero_grad()
        value = loss(found)
        value.backward()
        if (now := float(value.detach())) < least:
            best, least = found.detach().clone(), now
        return value

    optimiser.step(closure)
    end = found.detach()
    return end if bool(end.isfinite().all()) else best


def linear_weights(terms: Tensor, values: Tensor) -> Tensor:
    """Least-squares weights ``[W]`` of terms ``[K, W]``, the first of which is 1, for values ``[K]``."""
    return weights_of(terms, lambda given, weights: (given @ weights - values).square().mean())


def falling_weights(
    terms: Tensor, loss: Callable[[Tensor, Tensor, Tensor], Tensor], more: int
) -> tuple[Tensor, Tensor]:
    """As ``weights_and_more``, with no weight above 0 except the constant's.

    For terms that can only lower what is fitted: on a few easy tasks, a rising one would merely make up for
    another's excess, and mislead wherever they differ. Terms that would rise are left out, and the others fitted
    again.
    """
    weights, others = weights_and_more(terms, loss, more)
    while (rising := weights[1:] > 0).any():
        terms = torch.cat([terms[:, :1], terms[:, 1:].masked_fill(rising, 0)], 1)
        weights, others = weights_and_more(terms, loss, more)
    return weights, others


def quantile_weights(terms: Tensor, values: Tensor, share: float) -> Tensor:
    """Weights ``[W]`` of terms ``[K, W]``, the first of which is 1, for a quantile of values ``[K]``.

    A ``share`` of the values lies below exp(terms @ weights), which is positive whatever terms it is used with
    later. The loss is that of Koenker and Bassett (1978, eq. 3.1) with its corner rounded.
    """
    anywhere = values.quantile(share).clamp_min(_LEAST).log()

    def loss(given: Tensor, weights: Tensor) -> Tensor:
        over = values - (anywhere + given @ weights).exp()
        return (share * over + _SMOOTH * torch.nn.functional.softplus(-over / _SMOOTH)).mean()

    weights = weights_of(terms, loss)
    weights[0] += anywhere
    return weights


def weights_of(terms: Tensor, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """As ``weights_and_more``, with weights ``[W]`` alone."""
    return weights_and_more(terms, lambda given, weights, _: loss(given, weights), 0)[0]


def weights_and_more(
    terms: Tensor, loss: Callable[[Tensor, Tensor, Tensor], Tensor], more: int
) -> tuple[Tensor, Tensor]:
    """Fit on standardised terms (mean 0, standard deviation 1), and convert the weights to the original terms.

    Args:
        terms: double ``[K, W]``, the first of which is 1; those that hardly vary get the weight 0.
        loss: from standardised terms ``[K, W]``, weights ``[W]`` and ``more`` other numbers.
        more: how many numbers besides the weights are fitted, starting from 0.

    Returns:
        Weights ``[W]``, and the other numbers ``[more]``.
    """
    mean, spread = terms.mean(0), terms.std(0, correction=0)
    varies = spread > _LEAST_SPREAD
    varies[0] = False
    standard = torch.where(varies, (terms - mean) / torch.where(varies, spread, 1), 0)
    standard[:, 0] = 1
    count = terms.shape[1]
    pulled = torch.ones(count + more, dtype=torch.float64)
    pulled[0] = 0

    def pulled_loss(numbers: Tensor, pull: float) -> Tensor:
        return loss(standard, *numbers.split([count, more])) + pull * (pulled * numbers.square()).sum()

    for pull in _PULLS:
        found = minimised(partial(pulled_loss, pull=pull), count + more)
        weights = torch.where(varies, found[:count] / torch.where(varies, spread, 1), 0)
        weights[0] = found[0] - (weights * mean)[varies].sum()
        if weights.abs().max() < _MOST:
            break
    return weights, found[count:]
