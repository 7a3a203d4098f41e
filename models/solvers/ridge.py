"""Ridge regression of many tasks at once, differentiable (Bertinetto et al. 2019, eq. 4 to 6)."""

import torch
from torch import Tensor


def ridge(features: Tensor, targets: Tensor, importance: Tensor, penalty: Tensor) -> Tensor:
    """Find the weights W that minimise sum_i importance_i |x_i W - y_i|^2 + penalty |W|^2.

    The linear system has the size of the examples or of the features, whichever are fewer (the Woodbury
    identity). It is solved in double precision: if examples are alike and the penalty is small, float32 leaves no
    correct digit.

    Args:
        features: x, ``[T, S, D]``.
        targets: y, ``[T, S, N]``.
        importance: ``[T, S]``, 0 for padding.
        penalty: positive, ``[]`` for all tasks or ``[T]``.

    Returns:
        W transposed, ``[T, N, D]``, differentiable in features and penalty any number of times.
    """
    kind, root = features.dtype, importance.sqrt()[..., None]
    features, targets, penalty = (root * features).double(), (root * targets).double(), penalty.double()
    transposed = features.transpose(1, 2)
    examples, width = features.shape[1:]
    penalty = penalty.reshape(-1, 1, 1) * torch.eye(min(examples, width), dtype=penalty.dtype, device=root.device)
    if examples < width:
        weights: Tensor = transposed @ torch.linalg.solve(features @ transposed + penalty, targets)
    else:
        weights = torch.linalg.solve(transposed @ features + penalty, transposed @ targets)
    return weights.transpose(1, 2).to(kind)
