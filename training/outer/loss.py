"""The outer loss: the query loss of training tasks after adaptation, or of the warm-up, as a function of phi."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.heads import classify
from models.learner import BODY, HEAD, Learner, part, support_loss
from training.outer.class_loss import class_logits, class_loss, telling_classes
from training.outer.distillation import Teacher, distilled
from training.outer.every_position import at_positions, unpooled
from training.outer.likeness import Likeness, nearest_alike
from training.outer.pair_loss import pair_loss
from training.outer_plan import WarmUpLoss
from training.tasks.episodes import EpisodeBatch


@dataclass(frozen=True)
class OuterLoss:
    """The outcome of one batch of tasks.

    Attributes:
        loss: the query loss, averaged over tasks; gradients flow from it to phi.
        accuracy: on the queries, averaged over tasks; a tensor, so that nothing waits for the GPU.
    """

    loss: Tensor
    accuracy: Tensor


def outer_loss(
    learner: Learner, phi: Params, batch: EpisodeBatch, *, inner_steps: int | None, second_order: bool
) -> OuterLoss:
    """Adapt to each support set, then take the loss on the query set (Finn et al. 2017, eq. 1).

    Args:
        learner: the composition.
        phi: its parameters, those to learn with ``requires_grad``.
        batch: T tasks.
        inner_steps: of the inner loop; None for as many as the inner rule takes.
        second_order: differentiate through the inner gradients.
    """
    return on_queries(
        adapted_logits(learner, phi, batch, inner_steps=inner_steps, second_order=second_order), batch
    )


def adapted_logits(
    learner: Learner, phi: Params, batch: EpisodeBatch, *, inner_steps: int | None, second_order: bool
) -> Tensor:
    """Logits ``[T, Q, N]`` of the queries after adapting to each support set (see ``outer_loss``)."""
    of_support, of_queries = features_of(learner, phi, batch)
    theta = learner.adapt(phi, batch.support, features=of_support, steps=inner_steps, second_order=second_order)
    return learner.predict(theta, batch.query_images) if of_queries is None else learner.logits(theta, of_queries)


def features_of(learner: Learner, phi: Params, batch: EpisodeBatch) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """Support ``[T, S, D]`` and query features ``[T, Q, D]`` in one pass; None if they depend on the task."""
    if not learner.keeps_features:
        return None, None
    features = learner.embed(phi, torch.cat([batch.support.images, batch.query_images], 1))
    of_support, of_queries = features.split([batch.support.images.shape[1], batch.query_images.shape[1]], 1)
    return of_support, of_queries


def warm_up_loss(
    learner: Learner,
    phi: Params,
    batch: EpisodeBatch,
    *,
    taken_over: WarmUpLoss = "episodes",
    every_position: bool = False,
    momentum: float = 0.1,
    teacher: Teacher | None = None,
    likeness: Likeness | None = None,
    step: int = 0,
) -> OuterLoss:
    """Take the loss of the warm-up, without adapting (for ``episodes`` Snell et al. 2017, algorithm 1).

    ``running`` normalisation learns its constants here: all images of the batch are normalised by their joint
    moments, towards which the constants move. Afterwards, in the inner loop and at request time, they are fixed.

    Args:
        learner: the composition.
        phi: its parameters; the constants ``body.*.moments`` are written to.
        batch: T tasks.
        taken_over: ``episodes`` for the query loss of each task, from the head's start; otherwise all images of
            the batch together, in ``pairs`` of one query and one example (see ``training.outer.pair_loss``),
            against all ``classes`` of the data set (see ``training.outer.class_loss``), or by their ``likeness``
            to each other.
        every_position: with ``classes``, classify at each position of the last maps.
        momentum: share of this batch's moments in the new constants.
        teacher: with ``classes``, whose answers are learned as well.
        likeness: with ``likeness``, the loss (see ``training.outer.likeness.Likeness``).
        step: number of the outer step, passed on to ``likeness``.

    Raises:
        ValueError: if the loss is to be taken by ``likeness`` but none is given.
    """
    if learner.backbone.normalisation != "running" and taken_over == "episodes":
        return outer_loss(learner, phi, batch, inner_steps=0, second_order=False)
    there = torch.cat([batch.support.weights, batch.query_weights], 1) > 0
    images = torch.cat([batch.support.images, batch.query_images], 1)[there]
    if taken_over == "classes":
        teller = telling_classes(learner)
        logits = _class_logits(teller, phi, images, momentum, every_position=every_position)
        loss, accuracy = class_loss(logits, batch.image_classes[there])
        of_teacher = teacher.logits(images) if teacher else None
        return OuterLoss(loss if of_teacher is None else distilled(loss, logits.mean(1), of_teacher), accuracy)
    if taken_over == "likeness":
        if likeness is None:
            raise ValueError("a loss by likeness takes a teacher who knows it")
        features = _pooled_features(learner, phi, images, momentum).float()
        places = torch.cat([batch.support_places, batch.query_places], 1)[there]
        right = nearest_alike(features.detach(), batch.image_classes[there])
        return OuterLoss(likeness(features, places, step), right)
    flat = _pooled_features(learner, phi, images, momentum)
    if taken_over == "pairs":
        head = learner.head.from_centres(part(phi, HEAD), flat[None])
        all_of_them = torch.ones(1, len(flat), dtype=torch.bool, device=flat.device)
        logits = classify(head, flat[None], all_of_them)[0]
        return OuterLoss(*pair_loss(logits, batch.image_classes[there]))
    features = flat.new_zeros(*there.shape, flat.shape[-1])
    features[there] = flat
    sizes = [batch.support.images.shape[1], batch.query_images.shape[1]]
    of_support, of_queries = features.split(sizes, 1)
    theta = learner.adapt(phi, batch.support, features=of_support, steps=0)
    return on_queries(learner.logits(theta, of_queries), batch)


def _class_logits(
    learner: Learner, phi: Params, images: Tensor, momentum: float, *, every_position: bool
) -> Tensor:
    """Logits ``[M, P, K]`` of images ``[M, C, H, W]`` over all training classes, at P positions (1 if pooled)."""
    if not every_position:
        return class_logits(learner, phi, _pooled_features(learner, phi, images, momentum))[:, None]
    channels = learner.backbone.features
    features = at_positions(_pooled_features(unpooled(learner), phi, images, momentum), channels)
    return class_logits(learner, phi, features.flatten(0, 1)).view(*features.shape[:2], -1)


def _pooled_features(learner: Learner, phi: Params, images: Tensor, momentum: float) -> Tensor:
    """Features ``[M, D]`` of images ``[M, C, H, W]``; moves the constants of ``running`` normalisation."""
    running = learner.backbone.normalisation == "running"
    features, moments = learner.backbone(part(phi, BODY), images[None], pooled=running)
    if moments is not None:
        normalised = learner.backbone.normalised
        for name, found in zip(normalised, moments.split(list(normalised.values()), -1), strict=True):
            phi[f"{BODY}{name}"].lerp_(found[:, 0], momentum)
    return features[0]


def on_queries(logits: Tensor, batch: EpisodeBatch) -> OuterLoss:
    """The query loss and accuracy of logits ``[T, Q, N]``, each averaged over tasks."""
    weights = batch.query_weights / batch.query_weights.sum(1, keepdim=True)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    loss = support_loss(logits, batch.query_labels, weights).mean()
    right = (logits.argmax(-1) == batch.query_labels).to(weights.dtype)
    return OuterLoss(loss, (right * weights).sum(1).mean())
