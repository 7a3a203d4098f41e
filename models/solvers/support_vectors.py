"""Multi-class support vector machines of many tasks at once, differentiable (Lee et al. 2019, eq. 4 to 7).

The dual of Crammer and Singer (2001): with a weight alpha of each example in each class,

    minimise over alpha   1/2 sum_k alpha_k' (K + 1) alpha_k - sum_i alpha_i,y(i)
    where                 alpha_ik <= cost_i [k = y(i)]  and  sum_k alpha_ik = 0,

where K holds the inner products of the features, and 1, the identity, is added to it as the authors do. In terms
of beta = cost y - alpha, each row lies on a simplex, onto which it can be projected.
"""

from typing import Any

import torch
from torch import Tensor

_ROUNDS = 30  # most tasks take one or two
_STEPS = 100  # of projected gradient in a round; with 30, far fewer tasks are solved
_CONJUGATE_STEPS = 100
_HALVINGS = 12  # of the way to a solution without bounds


def support_vectors(features: Tensor, targets: Tensor, costs: Tensor, class_mask: Tensor) -> Tensor:
    """Solve the dual in rounds: by accelerated projected gradient, then exactly for the alphas not at a bound.

    The rounds end when no alpha is beyond its bound and none at its bound would improve by leaving it (after Moré
    and Toraldo 1991), or after thirty. What is unsolved by then, of features that are few and very long, stays
    within its bounds and is only near the optimum. It is computed in double precision: beside the inner products
    of features of length 100, float32 has little room for the 1 on the diagonal.

    Args:
        features: ``[T, S, D]``.
        targets: y, one-hot ``[T, S, N]``, all 0 for padding.
        costs: of each example's slack, ``[T, S]``, 0 for padding.
        class_mask: which classes each task has, bool ``[T, N]``.

    Returns:
        The classes' weights sum_i alpha_i x_i, ``[T, N, D]``, differentiable once in the features.
    """
    kind = features.dtype
    features = features.double() * (costs > 0)[..., None]  # padding must not affect the step length
    targets, costs = targets.double(), costs.double()
    kernel = features @ features.transpose(1, 2)
    kernel = kernel + torch.eye(kernel.shape[1], dtype=kernel.dtype, device=kernel.device)
    with torch.no_grad():
        alpha, free = _solve(kernel, targets, costs, class_mask)
    solution: Tensor = _Solution.apply(kernel @ alpha - targets, alpha, kernel.detach(), free)  # type: ignore[no-untyped-call]
    return (solution.transpose(1, 2) @ features).to(kind)


def _solve(kernel: Tensor, targets: Tensor, costs: Tensor, class_mask: Tensor) -> tuple[Tensor, Tensor]:
    """Alpha, and which entries are not at a bound, ``[T, S, N]`` each; solved tasks keep their solution."""
    scaled = costs[..., None] * targets
    beta = class_mask[:, None] * (costs / class_mask.sum(1, keepdim=True))[..., None]
    alpha, free = torch.zeros_like(beta), torch.zeros_like(beta, dtype=torch.bool)
    solved = torch.zeros_like(beta[:, :1, :1], dtype=torch.bool)
    for _ in range(_ROUNDS):
        feasible = _projected_gradient(beta, kernel, targets, costs, class_mask)
        inside, found = feasible > 0, scaled - feasible
        found = found - _conjugate_gradient(kernel @ found - targets, kernel, inside)
        alpha, free = torch.where(solved, alpha, found), torch.where(solved, free, inside)
        beta = scaled - alpha
        solved = _is_solved(beta, targets - kernel @ alpha, free, costs, class_mask)
        if bool(solved.all()):
            return alpha, free
        beta = _on_the_way(feasible, beta, kernel, targets, costs, class_mask)
    return torch.where(solved, alpha, scaled - beta), torch.where(solved, free, beta > 0)


def _on_the_way(
    feasible: Tensor, beyond: Tensor, kernel: Tensor, targets: Tensor, costs: Tensor, class_mask: Tensor
) -> Tensor:
    """The best of the points on the way from a feasible beta to one beyond the bounds, all projected.

    The far end by itself may be worse than the start: where features are few and long, it is far beyond.
    """

    def energy(beta: Tensor) -> Tensor:
        alpha = costs[..., None] * targets - beta
        return _dot(alpha, kernel @ alpha / 2 - targets)

    best, least, way = feasible, energy(feasible), beyond - feasible
    for halvings in range(_HALVINGS):
        point = _onto_simplex(feasible + way / 2**halvings, costs, class_mask)
        of_point = energy(point)
        best = torch.where(of_point < least, point, best)
        least = torch.minimum(of_point, least)
    return best


def _is_solved(beta: Tensor, gradient: Tensor, free: Tensor, costs: Tensor, class_mask: Tensor) -> Tensor:
    """Whether, up to rounding, no beta is beyond its bound or would improve by leaving it, bool ``[T, 1, 1]``."""
    little = torch.finfo(beta.dtype).eps ** 0.5
    within = beta >= -little * costs[..., None]
    of_row = (gradient * free).sum(2, keepdim=True) / free.sum(2, keepdim=True).clamp_min(1)
    stays = free | ~class_mask[:, None] | (gradient >= of_row - little)
    solved: Tensor = (within & stays).all(2, keepdim=True).all(1, keepdim=True)
    return solved


def _projected_gradient(
    beta: Tensor, kernel: Tensor, targets: Tensor, costs: Tensor, class_mask: Tensor
) -> Tensor:
    """Improve beta ``[T, S, N]`` by Nesterov's method for strongly convex functions (2004, section 2.2.1)."""
    steepest = kernel.abs().sum(2).amax(1)[:, None, None]  # no eigenvalue is larger; none is smaller than 1
    momentum = (steepest.sqrt() - 1) / (steepest.sqrt() + 1)
    ahead = beta
    scaled = costs[..., None] * targets
    for _ in range(_STEPS):
        gradient = targets - kernel @ (scaled - ahead)
        following = _onto_simplex(ahead - gradient / steepest, costs, class_mask)
        ahead = following + momentum * (following - beta)
        beta = following
    return beta


def _onto_simplex(values: Tensor, size: Tensor, class_mask: Tensor) -> Tensor:
    """Project rows onto the simplex of non-negative rows that sum to ``size`` (Duchi et al. 2008, figure 1)."""
    values = values.masked_fill(~class_mask[:, None], torch.finfo(values.dtype).min / values.shape[2])
    descending = values.sort(2, descending=True).values
    counts = torch.arange(1, values.shape[2] + 1, dtype=values.dtype, device=values.device)
    thresholds = (descending.cumsum(2) - size[..., None]) / counts
    positive = (descending > thresholds).sum(2, keepdim=True).clamp_min(1)
    return (values - thresholds.gather(2, positive - 1)).clamp_min(0)


def _tangential(values: Tensor, free: Tensor) -> Tensor:
    """Project onto the moves that keep row sums and entries at bounds: free entries minus their row's mean."""
    values = values * free
    mean = values.sum(2, keepdim=True) / free.sum(2, keepdim=True).clamp_min(1)
    return (values - mean) * free


class _Solution(torch.autograd.Function):
    """Alpha as a function of the dual's gradient at alpha, by the implicit function theorem.

    A change of that gradient moves alpha so that the gradient vanishes again along all directions that the bounds
    leave free (Amos and Kolter 2017, section 3.1): with P the projection of ``_tangential``, the derivative is
    -(P (K + 1) P)^-1 P.
    """

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, alpha: Tensor, kernel: Tensor, free: Tensor) -> Tensor:  # noqa: ARG004
        ctx.save_for_backward(kernel, free)
        return alpha.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None, None, None]:
        return -_conjugate_gradient(cotangent, *ctx.saved_tensors), None, None, None


def _conjugate_gradient(wanted: Tensor, kernel: Tensor, free: Tensor) -> Tensor:
    """Solve P (K + 1) x = P wanted for x in P's range (Hestenes and Stiefel 1952), each task by itself."""
    found = torch.zeros_like(wanted)
    # Twice: if little lies within P's range and much outside, rounding in one projection leaves comparable parts.
    residual = direction = _tangential(_tangential(wanted, free), free)
    square = _dot(residual, residual)
    rounding = square * (10 * torch.finfo(wanted.dtype).eps) ** 2
    for _ in range(_CONJUGATE_STEPS):
        image = _tangential(kernel @ direction, free)
        # A solved task stands still: further steps would divide rounding errors by rounding errors.
        going = square > rounding
        length = torch.where(going, square / _dot(direction, image), 0)
        found = found + length * direction
        # Projected again: steps within P's range cannot correct what rounding leaves outside it.
        residual = _tangential(residual - length * image, free)
        following = _dot(residual, residual)
        direction = residual + torch.where(going, following / square, 0) * direction
        square = following
    return found


def _dot(left: Tensor, right: Tensor) -> Tensor:
    return (left * right).sum((1, 2), keepdim=True)
