"""Telling classes apart at every position of the last maps, instead of from their mean (Lifchitz et al. 2019).

Each position then has to carry what it takes to name the class, so that the mean, from which tasks are learned
later, hangs less on where in the image something lies (section 3.2 of the paper).
"""

import dataclasses

from torch import Tensor

from models.backbones.staged import Staged
from models.backbones.views import averaged
from models.learner import Learner


def unpooled(learner: Learner) -> Learner:
    """The same learner of the same phi, with the features of all positions, as ``at_positions`` takes them."""
    if not isinstance(learner.backbone, Staged):
        raise TypeError("only a backbone of stages takes the mean of positions")
    everywhere = dataclasses.replace(learner.backbone, average=False, unit=False, centred=False)
    return dataclasses.replace(learner, backbone=everywhere)


def at_positions(features: Tensor, channels: int) -> Tensor:
    """Split features ``[M, channels * P]`` of ``unpooled`` into those of P positions, of length 1.

    Returns:
        ``[M, P, channels]``.
    """
    return averaged(features.unflatten(1, (channels, -1)).transpose(1, 2), (), unit=True)
