"""Learning from a teacher how alike images are, instead of what class it would name.

Which of a batch's other images each image is like, and by how much, is a distribution; the student learns the
teacher's (Fang et al. 2021, section 3.2, over the batch for their queue). Classes that are told apart later are
told by likeness; a teacher's answers are over its training classes alone.
"""

from collections.abc import Callable

import torch
from torch import Tensor

# The loss of features [M, D] of length 1, of the images of these places [M], in the outer step of that number.
Likeness = Callable[[Tensor, Tensor, int], Tensor]
_SHARPNESS = 10.0  # of likenesses, cosines, before they are made probabilities


def likeness_loss(features: Tensor, of_teacher: Tensor) -> Tensor:
    """Divergence of the student's distributions over the other images from the teacher's, averaged over images.

    Args:
        features: the student's, ``[M, D]`` of length 1.
        of_teacher: the teacher's, ``[M, E]`` of length 1.

    Returns:
        The mean Kullback-Leibler divergence, in nats; 0 where the cosines are the same.
    """
    with torch.autocast(features.device.type, enabled=False):  # cosines differ by little
        mine, wanted = _log_likenesses(features), _log_likenesses(of_teacher)
    return torch.nn.functional.kl_div(mine, wanted, reduction="batchmean", log_target=True)


def nearest_alike(features: Tensor, classes: Tensor) -> Tensor:
    """The share of images ``[M, D]`` whose nearest other one is of their class, int64 ``[M]``."""
    cosines = (features @ features.T).fill_diagonal_(-torch.inf)
    return (classes[cosines.argmax(1)] == classes).float().mean()


def _log_likenesses(features: Tensor) -> Tensor:
    """Of each image, the logarithms of its shares of likeness to the others, ``[M, M - 1]``."""
    cosines = features @ features.T
    others = ~torch.eye(len(features), dtype=torch.bool, device=features.device)
    return torch.log_softmax(_SHARPNESS * cosines[others].view(len(features), -1), 1)
