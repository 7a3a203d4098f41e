"""The linear probe: logistic regression on frozen features, for many tasks at once."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from models.backbones.backbone import Params
from models.heads import Head
from models.support import Support

_ITERATIONS = 200
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class ProbeHead(Head):
    """A head that starts from the logistic regression of the support labels on their features.

    With an inner rule that moves nothing, it is a linear probe (Tian et al. 2020, section 3.1); with one that
    moves all, fine-tuning starts from the probe (Kumar et al. 2022, LP-FT).

    Attributes:
        penalty: factor of the squared weights. It is multiplied by the mean squared distance of the features from
            their mean, so that it has the same effect whatever the features' scale.
    """

    penalty: float = 0.01

    def initial(self, _features: int, _generator: torch.Generator) -> Params:
        """Return no parameters: nothing is learned beforehand."""
        return {}

    def start(self, _phi: Params, features: Tensor | None, support: Support) -> Params:
        """Solve for ``weight`` ``[T, N, D]`` and ``bias`` ``[T, N]`` (see ``models.heads.Head.start``)."""
        if features is None:
            raise ValueError("a probe starts from features")
        weight, bias = logistic_regression(
            features, support.labels, support.balanced_weights(), support.class_mask(), self.penalty
        )
        return {"weight": weight, "bias": bias}


def logistic_regression(
    features: Tensor, labels: Tensor, weights: Tensor, class_mask: Tensor, penalty: float
) -> tuple[Tensor, Tensor]:
    """Minimise each task's sum_i weights_i CE(x_i W + b, y_i) + (penalty / 2) s |W|^2 by L-BFGS.

    Here s is the weighted mean of |x_i - mean|^2. The tasks' problems are independent and convex, so one run on
    their sum, in double precision, solves all.

    Args:
        features: x, ``[T, S, D]``.
        labels: y, int64 ``[T, S]``.
        weights: ``[T, S]``, of sum 1 in each task.
        class_mask: which classes each task has, bool ``[T, N]``.
        penalty: positive.

    Returns:
        W transposed, ``[T, N, D]``, and b, ``[T, N]``, both in the features' dtype.
    """
    share = weights.double()[..., None]
    with torch.enable_grad():
        given = features.detach().double()
        mean = (share * given).sum(1, keepdim=True)
        spread = (share * (given - mean).square()).sum((1, 2)).sqrt().clamp_min(1e-12)
        scaled = (given - mean) / spread[:, None, None]  # conditions the problem; the solution is the same
        weight = scaled.new_zeros(*class_mask.shape, features.shape[-1]).requires_grad_()
        bias = scaled.new_zeros(class_mask.shape).requires_grad_()
        optimiser = torch.optim.LBFGS(
            [weight, bias],
            max_iter=_ITERATIONS,
            tolerance_grad=_TOLERANCE,
            tolerance_change=0.0,
            history_size=20,
            line_search_fn="strong_wolfe",
        )

        def loss() -> Tensor:
            optimiser.zero_grad()
            logits = (scaled @ weight.transpose(1, 2) + bias[:, None]).masked_fill(~class_mask[:, None], -1e9)
            losses = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view_as(weights)
            total = (losses * share[..., 0]).sum() + penalty / 2 * weight.square().sum()
            total.backward()
            return total

        optimiser.step(loss)
    with torch.no_grad():
        weight = weight / spread[:, None, None]
        bias = bias - (weight * mean).sum(-1)
    return weight.to(features.dtype), bias.to(features.dtype)
