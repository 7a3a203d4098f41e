"""Telling classes apart at every position of the last maps, instead of from their mean (Lifchitz et al. 2019).

Each position must then suffice to identify the class, so the mean, which later tasks use, depends less on where
in the image something lies (section 3.2 of the paper).
"""

import dataclasses

from torch import Tensor

from models.backbones.staged import Staged
from models.backbones.views import averaged
from models.learner import Learner


def unpooled(learner: Learner) -> Learner:
    """The learner, with the same phi, whose features are those of every position, as ``at_positions`` takes them.

    Raises:
        TypeError: if the backbone is not ``Staged``.
    """
    if not isinstance(learner.backbone, Staged):
        raise TypeError("only a backbone of stages takes the mean of positions")
    everywhere = dataclasses.replace(learner.backbone, average=False, unit=False, centred=False)
    return dataclasses.replace(learner, backbone=everywhere)


def at_positions(features: Tensor, channels: int) -> Tensor:
    """Split ``unpooled`` features ``[M, channels * P]`` into those of P positions, each scaled to length 1.

    Returns:
        ``[M, P, channels]``.
    """
    return averaged(features.unflatten(1, (channels, -1)).transpose(1, 2), (), unit=True)
