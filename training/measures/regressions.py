"""Small regressions in double precision, each with a little pull towards a constant where data do not decide."""

from collections.abc import Callable

import torch
from torch import Tensor

_PULL = 1e-6  # on squared weights of standardised terms, all but the constant's
_LEAST_SPREAD = (
    1e-3  # of a term, of which a few are usual: what varies less can tell nothing, and counts as constant
)
_LEAST = 1e-4  # of a quantile whose logarithm is fitted
_SMOOTH = 0.003  # half width of the rounded corner of the quantiles' loss, in units of the values


def minimised(loss: Callable[[Tensor], Tensor], weights: int) -> Tensor:
    """Find the weights ``[W]`` of least loss from 0 on (L-BFGS)."""
    found = torch.zeros(weights, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([found], max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss(found)
        value.backward()
        return value

    optimiser.step(closure)
    return found.detach()


def linear_weights(terms: Tensor, values: Tensor) -> Tensor:
    """Weights ``[W]`` of terms ``[K, W]``, the first of them 1, of least squares to values ``[K]``."""
    return weights_of(terms, lambda given, weights: (given @ weights - values).square().mean())


def logistic_weights(terms: Tensor, shares: Tensor, importance: Tensor | None = None) -> Tensor:
    """Weights ``[W]`` of terms ``[K, W]``, the first of them 1, whose sums are the logits of shares ``[K]``.

    ``importance`` ``[K]``, of mean 1, says how much each counts; by default all count alike.
    """

    def loss(given: Tensor, weights: Tensor) -> Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(given @ weights, shares, importance)

    return weights_of(terms, loss)


def quantile_weights(terms: Tensor, values: Tensor, share: float) -> Tensor:
    """Weights ``[W]`` of terms ``[K, W]``, the first of them 1; under exp of sums a share of values ``[K]`` lies.

    Koenker and Bassett 1978, eq. 3.1, its corner rounded. The exponential is positive whatever terms it meets
    later.
    """
    anywhere = values.quantile(share).clamp_min(_LEAST).log()

    def loss(given: Tensor, weights: Tensor) -> Tensor:
        over = values - (anywhere + given @ weights).exp()
        return (share * over + _SMOOTH * torch.nn.functional.softplus(-over / _SMOOTH)).mean()

    weights = weights_of(terms, loss)
    weights[0] += anywhere
    return weights


def weights_of(terms: Tensor, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Fit on terms of mean 0 and spread 1, then give the weights of the terms as they came."""
    mean, spread = terms.mean(0), terms.std(0, correction=0)
    varies = spread > _LEAST_SPREAD
    varies[0] = False
    standard = torch.where(varies, (terms - mean) / torch.where(varies, spread, 1), 0)
    standard[:, 0] = 1
    pulled = torch.ones(terms.shape[1], dtype=torch.float64)
    pulled[0] = 0
    found = minimised(
        lambda weights: loss(standard, weights) + _PULL * (pulled * weights.square()).sum(), terms.shape[1]
    )
    weights = torch.where(varies, found / torch.where(varies, spread, 1), 0)
    weights[0] = found[0] - (weights * mean)[varies].sum()
    return weights
