"""The loss of telling all training classes apart: ordinary supervised learning, before meta-learning goes on.

Each training class has a learned centre, which takes the place of the class mean that a support set would give:
by the same scale the head answers (Gidaris and Komodakis 2018, section 3.1, with distances for cosines). The
centres are no part of what is published.
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
    """The learner of the same phi whose features are told apart: of the last maps, of each image as it is.

    What earlier maps hold (``models.backbones.depths``) helps with other classes because these were not told by
    it. A centre is measured, and views are taken, once features are learned.
    """
    if not isinstance(learner.backbone, Staged):
        return learner
    return dataclasses.replace(
        learner, backbone=dataclasses.replace(learner.backbone, earlier=(), centred=False, views=())
    )


def initial_centres(learner: Learner, classes: int, seed: int) -> Params:
    """Draw the centres ``[K, D]`` of K training classes, as phi carries them along."""
    generator = torch.Generator().manual_seed(seed)
    return {CENTRES: torch.randn(classes, telling_classes(learner).backbone.features, generator=generator)}


def class_logits(learner: Learner, phi: Params, features: Tensor) -> Tensor:
    """Answer which of all training classes each image is of.

    Args:
        learner: the composition; of its head the scale alone counts.
        phi: its parameters, and the centres, of which the directions alone count.
        features: ``[M, D]``, of length 1 if the centres are to lie among them.

    Returns:
        Logits ``[M, K]``.
    """
    centres = torch.nn.functional.normalize(phi[CENTRES], dim=1)
    head = learner.head.from_centres(part(phi, HEAD), centres[None])
    every = torch.ones(1, len(centres), dtype=torch.bool, device=features.device)
    return classify(head, features[None], every)[0]


def class_loss(logits: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of naming each image's class among all training classes.

    Args:
        logits: ``[M, P, K]``, at P positions of each image.
        classes: int64 ``[M]``.

    Returns:
        The mean loss over positions, and the share of images that their mean logits name rightly.
    """
    accuracy = (logits.detach().mean(1).argmax(1) == classes).float().mean()
    everywhere = classes.repeat_interleave(logits.shape[1])
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), everywhere), accuracy
