"""The outer rule of a recipe: which loss, or what stands for one, a step's gradient is taken of."""

import torch

from models.backbones.backbone import Params
from models.learner import Learner
from training.outer.evolution import evolution_loss
from training.outer.loss import OuterLoss, outer_loss
from training.outer.multi_step import multi_step_loss, shares_of_steps
from training.outer.policy_gradient import policy_gradient_loss
from training.outer.reptile import reptile_loss
from training.outer_plan import Outer
from training.seeds import folded
from training.tasks.episodes import EpisodeBatch


def loss_by_rule(
    learner: Learner, phi: Params, batch: EpisodeBatch, outer: Outer, step: int, seed: int
) -> OuterLoss:
    """Take the loss of an outer step after the warm-up.

    Args:
        learner: the composition.
        phi: its parameters, those to learn with ``requires_grad``.
        batch: tasks.
        outer: the plan.
        step: of the outer loop, which tells how far annealing has come and, with the seed, what is drawn.
        seed: of the run.
    """
    if outer.rule == "reptile":
        return reptile_loss(learner, phi, batch)
    if outer.rule == "evolution":
        return evolution_loss(
            learner, phi, batch, _generator(batch, step, seed), spread=outer.spread, reward=outer.reward
        )
    if outer.rule == "policy-gradient":
        return policy_gradient_loss(learner, phi, batch, outer.draws, _generator(batch, step, seed))
    second_order, multi_step = annealed(outer, step)
    if multi_step:
        shares = shares_of_steps(learner.rule.steps, step, outer.multi_step_until)
        return multi_step_loss(learner, phi, batch, shares, second_order=second_order)
    return outer_loss(learner, phi, batch, inner_steps=None, second_order=second_order)


def annealed(outer: Outer, step: int) -> tuple[bool, bool]:
    """Whether a step by gradient is of second order, and whether it takes the losses of all inner steps."""
    return outer.second_order and step >= outer.first_order_until, step < outer.multi_step_until


def _generator(batch: EpisodeBatch, step: int, seed: int) -> torch.Generator:
    # The tasks count, too: parts of one step must not all draw the same.
    number = (seed * 1_000_003 + step) * 1_000_003 + int(batch.query_places.sum())
    return torch.Generator().manual_seed(folded(number))
