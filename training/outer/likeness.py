"""Learning from a teacher how alike images are, instead of which class each belongs to.

How similar an image is to each other image of the batch gives a distribution; the student learns the teacher's.
The idea is that of Fang et al. 2021 (section 3.2), who compare both networks' features of an image with the
teacher's features of a queue of others. Here each network compares its own features of the batch, so that
theirs may be of different lengths; the image itself is left out, and both distributions are equally sharp.
Later tasks tell new classes apart by similarity, whereas a teacher's answers cover only its own training
classes.
"""

from collections.abc import Callable

import torch
from torch import Tensor

# From features [M, D] of length 1, the images' places in the data set [M] and the outer step to the loss.
Likeness = Callable[[Tensor, Tensor, int], Tensor]
_SHARPNESS = 10.0  # the factor of the cosines under the softmax


def likeness_loss(features: Tensor, of_teacher: Tensor) -> Tensor:
    """Divergence of the student's distributions over the other images from the teacher's, averaged over images.

    Args:
        features: the student's, ``[M, D]`` of length 1.
        of_teacher: the teacher's, ``[M, E]`` of length 1.

    Returns:
        The mean Kullback-Leibler divergence, in nats; 0 where the cosines are the same.
    """
    with torch.autocast(features.device.type, enabled=False):  # bfloat16 would blur small differences of cosines
        mine, wanted = _log_likenesses(features), _log_likenesses(of_teacher)
    return torch.nn.functional.kl_div(mine, wanted, reduction="batchmean", log_target=True)


def nearest_alike(features: Tensor, classes: Tensor) -> Tensor:
    """The share of images whose nearest other image is of their class.

    Args:
        features: ``[M, D]`` of length 1.
        classes: int64 ``[M]``.
    """
    cosines = (features @ features.T).fill_diagonal_(-torch.inf)
    return (classes[cosines.argmax(1)] == classes).float().mean()


def _log_likenesses(features: Tensor) -> Tensor:
    """Log-probabilities ``[M, M - 1]`` of each image's distribution over the others."""
    cosines = features @ features.T
    others = ~torch.eye(len(features), dtype=torch.bool, device=features.device)
    return torch.log_softmax(_SHARPNESS * cosines[others].view(len(features), -1), 1)
