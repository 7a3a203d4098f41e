"""The outer loop's gradient: how phi changes the query loss of training tasks after adaptation."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.conv4 import Params
from models.learner import Learner, Theta, support_loss
from training.episodes import EpisodeBatch


@dataclass(frozen=True)
class OuterLoss:
    """What one batch of tasks gives.

    Attributes:
        loss: the query loss after adaptation, averaged over tasks; gradients flow from it to phi.
        accuracy: of the queries, averaged over tasks.
        theta: the adapted classifiers.
    """

    loss: Tensor
    accuracy: float
    theta: Theta


def outer_loss(
    learner: Learner, phi: Params, batch: EpisodeBatch, *, inner_steps: int | None, second_order: bool
) -> OuterLoss:
    """Adapt to each support set, then take the loss on the query set (Finn et al. 2017, eq. 1).

    Args:
        learner: the composition.
        phi: its parameters, those to learn with ``requires_grad``.
        batch: T tasks.
        inner_steps: of the inner loop; None for as many as the inner rule says.
        second_order: differentiate through the inner gradients.
    """
    theta = learner.adapt(phi, batch.support, steps=inner_steps, second_order=second_order)
    logits = learner.predict(theta, batch.query_images).float()
    weights = batch.query_weights / batch.query_weights.sum(1, keepdim=True)
    loss = support_loss(logits, batch.query_labels, weights).mean()
    right = (logits.argmax(-1) == batch.query_labels).float()
    return OuterLoss(loss, float((right * weights).sum(1).mean()), theta)


def update_running_moments(phi: Params, theta: Theta, momentum: float = 0.1) -> None:
    """Move the constants of ``running`` normalisation towards those of this batch's support sets.

    Args:
        phi: with ``body.block{i}.moments`` ``[2, C]``, replaced in place of the mapping, not of the tensors.
        theta: whose ``moments`` are ``[blocks, 2, T, C]``.
        momentum: share of the new ones.
    """
    assert theta.moments is not None
    for block, taken in enumerate(theta.moments.detach().mean(2), start=1):
        name = f"body.block{block}.moments"
        phi[name] = torch.lerp(phi[name], taken.to(phi[name].dtype), momentum)
