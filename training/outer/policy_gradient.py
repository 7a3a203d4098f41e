"""Policy gradient: answers are sampled, and those rewarded become likelier (Williams 1992, REINFORCE).

The reward need not be differentiable; here it is whether the answer was right. Inner gradients count as constants
(first order).
"""

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.learner import Learner
from training.outer.loss import OuterLoss, adapted_logits, on_queries
from training.tasks.episode_batch import EpisodeBatch


def score_function_loss(log_probabilities: Tensor, rewards: Tensor) -> Tensor:
    """Give a loss whose expected gradient is the negative of the expected reward's (Williams 1992, theorem 1).

    Each draw's reward is compared with the mean reward of the other draws, which leaves the expectation unchanged
    and removes most of the variance (Kool et al. 2019, eq. 4).

    Args:
        log_probabilities: of K >= 2 draws from the policy, ``[K, ...]``.
        rewards: of the draws, ``[K, ...]``.

    Returns:
        The loss, averaged over draws, ``[...]``.
    """
    draws = len(rewards)
    advantages = (rewards - rewards.mean(0)) * (draws / (draws - 1))
    return -(advantages.detach() * log_probabilities).mean(0)


def policy_gradient_loss(learner: Learner, phi: Params, batch: EpisodeBatch, chances: Tensor) -> OuterLoss:
    """Draw answers to the queries from the adapted learner's probabilities; a right answer has the reward 1.

    Args:
        learner: the composition.
        phi: its parameters, those to learn with ``requires_grad``.
        batch: T tasks.
        chances: float64 ``[T, Q, K]``, uniform in [0, 1); each determines one of K >= 2 answers to a query.

    Returns:
        The query loss and accuracy. The loss's gradient estimates that of the expected share of wrong answers.
    """
    logits = adapted_logits(learner, phi, batch, inner_steps=None, second_order=False).float()
    log_probabilities = logits.log_softmax(-1)
    answers = _drawn(log_probabilities.detach(), chances.to(logits.device))
    rewards = (answers == batch.query_labels).float()
    chosen = log_probabilities.expand(len(answers), *logits.shape).gather(-1, answers[..., None])[..., 0]
    surrogate = (score_function_loss(chosen, rewards) * batch.query_shares).sum(1).mean()
    seen = on_queries(logits.detach(), batch)
    return OuterLoss(seen.loss + surrogate - surrogate.detach(), seen.accuracy)


def _drawn(log_probabilities: Tensor, chances: Tensor) -> Tensor:
    """Draw classes, int64 ``[K, T, Q]``, from ``[T, Q, N]`` by inverting the cumulative probabilities."""
    reached = log_probabilities.double().exp().cumsum(-1)
    wanted = chances * reached[..., -1:]  # never past the last class that a task has
    drawn = torch.searchsorted(reached, wanted).movedim(-1, 0)
    return drawn.clamp_max(reached.shape[-1] - 1)  # NaN has no place; the next ``check_finite`` reports it
