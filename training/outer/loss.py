"""The outer loss: the query loss of training tasks after adaptation, as a function of phi."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.learner import Learner, support_loss
from training.tasks.episode_batch import EpisodeBatch


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


def on_queries(logits: Tensor, batch: EpisodeBatch) -> OuterLoss:
    """The query loss and accuracy of logits ``[T, Q, N]``, each averaged over tasks."""
    shares = batch.query_shares
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    loss = support_loss(logits, batch.query_labels, shares).mean()
    right = (logits.argmax(-1) == batch.query_labels).to(shares.dtype)
    return OuterLoss(loss, (right * shares).sum(1).mean())
