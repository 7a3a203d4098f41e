"""The loss of the warm-up, which is taken without adapting.

``running`` normalisation learns its constants here: all images of the batch are normalised by their joint
moments, towards which the constants ``body.*.moments`` in phi move. Afterwards, in the inner loop and at request
time, they are fixed.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.heads import classify
from models.learner import BODY, HEAD, Learner, part
from training.outer.class_loss import class_logits, class_loss, telling_classes
from training.outer.distillation import Teacher, distilled
from training.outer.every_position import at_positions, unpooled
from training.outer.likeness import Likeness, nearest_alike
from training.outer.loss import OuterLoss, on_queries, outer_loss
from training.outer.pair_loss import pair_loss
from training.outer_plan import WarmUpLoss
from training.tasks.episode_batch import EpisodeBatch

_MOMENTUM = 0.1  # share of a batch's moments in the new constants


@dataclass(frozen=True)
class WarmUp:
    """How the warm-up of a run takes its loss.

    Attributes:
        kind: which of the losses below.
        every_position: of ``by_classes``.
        teacher: of ``by_classes``.
        likeness: of ``by_likeness``, which needs it.
    """

    kind: WarmUpLoss
    every_position: bool = False
    teacher: Teacher | None = None
    likeness: Likeness | None = None

    def loss(self, learner: Learner, phi: Params, batch: EpisodeBatch, step: int) -> OuterLoss:
        """Take the loss of one outer step.

        Raises:
            ValueError: if it is to be taken by ``likeness`` but none is given.
        """
        if self.kind == "classes":
            return by_classes(learner, phi, batch, every_position=self.every_position, teacher=self.teacher)
        if self.kind == "likeness":
            if self.likeness is None:
                raise ValueError("a loss by likeness takes a teacher who knows it")
            return by_likeness(learner, phi, batch, self.likeness, step)
        return (by_pairs if self.kind == "pairs" else by_episodes)(learner, phi, batch)


def by_episodes(learner: Learner, phi: Params, batch: EpisodeBatch) -> OuterLoss:
    """Take the query loss of each task from the head's start (Snell et al. 2017, algorithm 1)."""
    if learner.backbone.normalisation != "running":
        return outer_loss(learner, phi, batch, inner_steps=0, second_order=False)
    there, images = _images(batch)
    flat = _pooled_features(learner, phi, images)
    features = flat.new_zeros(*there.shape, flat.shape[-1])
    features[there] = flat
    sizes = [batch.support.images.shape[1], batch.query_images.shape[1]]
    of_support, of_queries = features.split(sizes, 1)
    theta = learner.adapt(phi, batch.support, features=of_support, steps=0)
    return on_queries(learner.logits(theta, of_queries), batch)


def by_pairs(learner: Learner, phi: Params, batch: EpisodeBatch) -> OuterLoss:
    """Take the loss of all pairs of one query and one example in the batch (see ``training.outer.pair_loss``)."""
    there, images = _images(batch)
    flat = _pooled_features(learner, phi, images)
    head = learner.head.from_centres(part(phi, HEAD), flat[None])
    all_of_them = torch.ones(1, len(flat), dtype=torch.bool, device=flat.device)
    logits = classify(head, flat[None], all_of_them)[0]
    return OuterLoss(*pair_loss(logits, batch.image_classes[there]))


def by_classes(
    learner: Learner,
    phi: Params,
    batch: EpisodeBatch,
    *,
    every_position: bool = False,
    teacher: Teacher | None = None,
) -> OuterLoss:
    """Take the loss of telling all classes of the data set apart (see ``training.outer.class_loss``).

    Args:
        learner: the composition.
        phi: its parameters and the classes' centres.
        batch: T tasks, of which only images and their classes count.
        every_position: whether to classify at each position of the last maps.
        teacher: whose answers are learned as well.
    """
    there, images = _images(batch)
    logits = _class_logits(telling_classes(learner), phi, images, every_position=every_position)
    loss, accuracy = class_loss(logits, batch.image_classes[there])
    of_teacher = teacher.logits(images) if teacher else None
    return OuterLoss(loss if of_teacher is None else distilled(loss, logits.mean(1), of_teacher), accuracy)


def by_likeness(learner: Learner, phi: Params, batch: EpisodeBatch, likeness: Likeness, step: int) -> OuterLoss:
    """Take the loss by how alike all images of the batch are; the outer ``step`` is passed on to ``likeness``."""
    there, images = _images(batch)
    features = _pooled_features(learner, phi, images).float()
    places = torch.cat([batch.support_places, batch.query_places], 1)[there]
    right = nearest_alike(features.detach(), batch.image_classes[there])
    return OuterLoss(likeness(features, places, step), right)


def _images(batch: EpisodeBatch) -> tuple[Tensor, Tensor]:
    """Which images are no padding, bool ``[T, S + Q]``, and the M images that are none, ``[M, C, H, W]``."""
    there = torch.cat([batch.support.weights, batch.query_weights], 1) > 0
    return there, torch.cat([batch.support.images, batch.query_images], 1)[there]


def _class_logits(learner: Learner, phi: Params, images: Tensor, *, every_position: bool) -> Tensor:
    """Logits ``[M, P, K]`` of images ``[M, C, H, W]`` over all training classes, at P positions (1 if pooled)."""
    if not every_position:
        return class_logits(learner, phi, _pooled_features(learner, phi, images))[:, None]
    channels = learner.backbone.features
    features = at_positions(_pooled_features(unpooled(learner), phi, images), channels)
    return class_logits(learner, phi, features.flatten(0, 1)).view(*features.shape[:2], -1)


def _pooled_features(learner: Learner, phi: Params, images: Tensor) -> Tensor:
    """Features ``[M, D]`` of images ``[M, C, H, W]``; moves the constants of ``running`` normalisation."""
    running = learner.backbone.normalisation == "running"
    features, moments = learner.backbone(part(phi, BODY), images[None], pooled=running)
    if moments is not None:
        normalised = learner.backbone.normalised
        for name, found in zip(normalised, moments.split(list(normalised.values()), -1), strict=True):
            phi[f"{BODY}{name}"].lerp_(found[:, 0], _MOMENTUM)
    return features[0]
