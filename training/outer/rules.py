"""The outer rule of a recipe: the loss, or surrogate of one, whose gradient a step takes."""

import torch

from models.backbones.backbone import Params
from models.learner import Learner
from training.outer.evolution import evolution_loss
from training.outer.loss import OuterLoss, outer_loss
from training.outer.multi_step import multi_step_loss, shares_of_steps
from training.outer.policy_gradient import policy_gradient_loss
from training.outer.processes import Processes
from training.outer.reptile import reptile_loss
from training.outer_plan import Outer
from training.seeds import folded
from training.tasks.episode_batch import EpisodeBatch


def loss_by_rule(
    learner: Learner,
    phi: Params,
    batch: EpisodeBatch,
    chosen: slice,
    outer: Outer,
    step: int,
    seed: int,
    processes: Processes,
) -> OuterLoss:
    """Take the loss of an outer step after the warm-up, on some of its tasks.

    Args:
        learner: the composition.
        phi: its parameters, those to learn with ``requires_grad``.
        batch: all tasks of the step.
        chosen: the tasks to take it on; ``evolution`` always takes the share of this process.
        outer: the plan.
        step: number of the outer step, from 0; decides on annealing and, with seed and tasks, on random draws.
        seed: of the run.
        processes: those that share the step.
    """
    part = batch.part(chosen)
    if outer.rule == "reptile":
        return reptile_loss(learner, phi, part)
    if outer.rule == "evolution":
        return evolution_loss(
            learner,
            phi,
            batch,
            _generator(batch, step, seed),
            spread=outer.spread,
            reward=outer.reward,
            processes=processes,
        )
    if outer.rule == "policy-gradient":
        shape = *batch.query_labels.shape, outer.draws
        chances = torch.rand(shape, dtype=torch.float64, generator=_generator(batch, step, seed))
        return policy_gradient_loss(learner, phi, part, chances[chosen])
    second_order, multi_step = annealed(outer, step)
    if multi_step:
        shares = shares_of_steps(learner.rule.steps, step, outer.multi_step_until)
        return multi_step_loss(learner, phi, part, shares, second_order=second_order)
    return outer_loss(learner, phi, part, inner_steps=None, second_order=second_order)


def annealed(outer: Outer, step: int) -> tuple[bool, bool]:
    """Whether a ``gradient`` step is of second order, and whether it takes the losses after all inner steps."""
    return outer.second_order and step >= outer.first_order_until, step < outer.multi_step_until


def _generator(batch: EpisodeBatch, step: int, seed: int) -> torch.Generator:
    # Seeded by all tasks of the step, not by a part of them, so that draws do not depend on how it is divided.
    number = (seed * 1_000_003 + step) * 1_000_003 + int(batch.query_places.sum())
    return torch.Generator().manual_seed(folded(number))
