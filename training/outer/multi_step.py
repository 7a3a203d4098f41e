"""Query losses after every inner step, not only after the last (Antoniou et al. 2019, section 4, MSL)."""

from collections.abc import Sequence
from itertools import islice

from models.backbones.backbone import Params
from models.learner import Learner
from training.outer.loss import OuterLoss, features_of, on_queries
from training.tasks.episode_batch import EpisodeBatch


def multi_step_loss(
    learner: Learner, phi: Params, batch: EpisodeBatch, shares: Sequence[float], *, second_order: bool
) -> OuterLoss:
    """Adapt, and sum the weighted query losses after each inner step.

    Args:
        learner: the composition.
        phi: its parameters, those to learn with ``requires_grad``.
        batch: T tasks.
        shares: weight of the loss after each inner step (see ``shares_of_steps``).
        second_order: differentiate through the inner gradients.

    Returns:
        The weighted loss, and the accuracy after the last step.
    """
    of_support, of_queries = features_of(learner, phi, batch)
    path = learner.path(phi, batch.support, features=of_support, second_order=second_order)
    found = []
    for theta in islice(path, 1, None):
        features = learner.features(theta, batch.query_images) if of_queries is None else of_queries
        found.append(on_queries(learner.logits(theta, features), batch))
    losses = [share * one.loss for share, one in zip(shares, found, strict=True)]
    return OuterLoss(sum(losses[1:], losses[0]), found[-1].accuracy)


def shares_of_steps(steps: int, step: int, until: int) -> list[float]:
    """Weights of the losses after each inner step: equal at first, all on the last step from ``until`` on.

    Args:
        steps: number of inner steps.
        step: number of the outer step, from 0.
        until: outer steps, at least 1, over which the weights of all but the last inner step fall linearly to 0.
    """
    even = max(0.0, 1 - step / until) / steps
    return [even] * (steps - 1) + [1 - even * (steps - 1)]
