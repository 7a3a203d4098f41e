"""The loss of telling all training classes apart: ordinary supervised learning, as a warm-up to meta-learning.

Each training class has a learned centre in place of the class mean that a support set would give, and the head
answers by distance to it at its usual scale (Gidaris and Komodakis 2018, section 3.1, with distances instead of
cosines). The centres are not published.
"""

import dataclasses

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.backbones.staged import Staged
from models.heads import classify
from models.learner import HEAD, Learner, part

CENTRES = "centres"


def telling_classes(learner: Learner) -> Learner:
    """The learner, with the same phi, whose features are trained: of the last maps only, each image as it is.

    Earlier maps (``models.backbones.depths``) help with new classes precisely because they were not trained to
    tell the training classes apart. The centre is measured, and views are used, only once features are learned.
    """
    if not isinstance(learner.backbone, Staged):
        return learner
    return dataclasses.replace(
        learner, backbone=dataclasses.replace(learner.backbone, earlier=(), centred=False, views=())
    )


def initial_centres(learner: Learner, classes: int, seed: int) -> Params:
    """Draw the centres ``[K, D]`` of K training classes, named as phi holds them during the run."""
    generator = torch.Generator().manual_seed(seed)
    return {CENTRES: torch.randn(classes, telling_classes(learner).backbone.features, generator=generator)}


def class_logits(learner: Learner, phi: Params, features: Tensor) -> Tensor:
    """Score each image against all training classes.

    Args:
        learner: the composition; only the scale of its head matters.
        phi: its parameters and the K centres, of which only the directions matter.
        features: ``[M, D]``; of length 1, as the centres are scaled to length 1.

    Returns:
        Logits ``[M, K]``.
    """
    centres = torch.nn.functional.normalize(phi[CENTRES], dim=1)
    head = learner.head.from_centres(part(phi, HEAD), centres[None])
    every = torch.ones(1, len(centres), dtype=torch.bool, device=features.device)
    return classify(head, features[None], every)[0]


def class_loss(logits: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of classifying each image among all training classes.

    Args:
        logits: ``[M, P, K]``, at P positions of each image.
        classes: int64 ``[M]``, in ``0 .. K - 1``.

    Returns:
        The mean loss over images and positions, and the share of images classified correctly by the mean of their
        logits over positions.
    """
    accuracy = (logits.detach().mean(1).argmax(1) == classes).float().mean()
    everywhere = classes.repeat_interleave(logits.shape[1])
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), everywhere), accuracy
