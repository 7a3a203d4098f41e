"""Reptile: phi moves towards what ordinary training on each task turns it into (Nichol et al. 2018)."""

import torch

from models.backbones.backbone import Params
from models.learner import BODY, Learner
from models.support import Support
from training.outer.loss import OuterLoss, on_queries
from training.tasks.episode_batch import EpisodeBatch


def reptile_loss(learner: Learner, phi: Params, batch: EpisodeBatch) -> OuterLoss:
    """Give a loss whose gradient is phi minus the mean of the tasks' thetas (algorithm 2, for any optimiser).

    Tasks are not divided into support and query: theta is adapted to all of their images. Only the backbone
    learns. The inner rates get no gradient; nor does the head, whose shared vector would not move anyway, because
    the gradients of a softmax sum to 0 over the classes.

    Args:
        learner: a composition whose inner rule moves the body.
        phi: its parameters, those to learn with ``requires_grad``.
        batch: T tasks.

    Returns:
        The loss and accuracy on the query images, to which theta was adapted; the loss has the gradient above.
    """
    support = batch.support
    everything = Support(
        images=torch.cat([support.images, batch.query_images], 1),
        labels=torch.cat([support.labels, batch.query_labels], 1),
        weights=torch.cat([support.weights, batch.query_weights], 1),
        ways=support.ways,
    )
    with torch.no_grad():
        theta = learner.adapt(phi, everything, steps=learner.rule.steps)
        seen = on_queries(learner.predict(theta, batch.query_images), batch)
    half_squares = seen.loss.new_zeros(())
    for name, value in theta.body.items():
        start = phi[BODY + name]
        if start.requires_grad:
            half_squares = half_squares + 0.5 * (start - value.mean(0)).square().sum()
    return OuterLoss(seen.loss + half_squares - half_squares.detach(), seen.accuracy)
