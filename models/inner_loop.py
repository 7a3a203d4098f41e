"""The inner loop: gradient steps on the support loss of T tasks, each moving parameters of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from models.backbones.backbone import Backbone, Params, for_tasks, is_inner_constant, laid_out, part
from models.heads import Head, classify, head_gradient
from models.inner_rule import InnerRule
from models.inner_step import stepped
from models.support import Support

BODY, HEAD, RATES = "body.", "head.", "rates."


@dataclass(frozen=True)
class State:
    """The state of T tasks after some inner steps.

    Attributes:
        body: the backbone's parameters; those that move have a leading task dimension.
        head: ``weight`` ``[T, N, D]`` and ``bias`` ``[T, N]``.
        features: of the support images, ``[T, S, D]``, as computed for the last step, before it moved the body;
            None before the first step if the head's start needs none.
        moments: for ``support`` normalisation, those of the support set before the first step, if they were
            computed; else None.
    """

    body: Params
    head: Params
    features: Tensor | None
    moments: Tensor | None


def states(
    backbone: Backbone,
    head_of: Head,
    rule: InnerRule,
    phi: Params,
    support: Support,
    features: Tensor | None,
    count: int,
    *,
    second_order: bool,
    on_step: Callable[[int], None] | None,
) -> Iterator[State]:
    """Yield the state before the first of ``count`` steps, and after each (see ``Learner.adapt``).

    For every task to start from a phi of its own, the tensors of phi have a leading task dimension, except those
    that no gradient moves.

    Args:
        backbone: of the learner.
        head_of: how the classifier starts.
        rule: what moves, and at which rates; ``count`` takes the place of its number of steps.
        phi: ``body.*``, ``head.*`` and ``rates.*``; never written to.
        support: the labelled examples.
        features: of their images, ``[T, S, D]``, or None to compute them.
        count: steps to take, 0 if the rule moves nothing.
        second_order: see ``Learner.adapt``, as for ``on_step``.
        on_step: called before each step with its number, from 0.

    Raises:
        ValueError: for features given where the body moves, or ``support`` normalisation depends on the task.
    """
    body, rates = part(phi, BODY), part(phi, RATES)
    moves_body = rule.moves_body and count > 0
    of_each_task = backbone.is_per_task(body)
    moments: Tensor | None = None
    if features is not None and (moves_body or backbone.normalisation == "support"):
        raise ValueError("this adaptation computes features of its own: it takes none")
    if features is None and (head_of.needs_features or not moves_body):
        features, moments = backbone(body, support.images, weights=support.weights)
    head = head_of.start(part(phi, HEAD), features, support)
    weights, mask = support.balanced_weights(), support.class_mask()
    shared: Params = {}
    if moves_body and not of_each_task:
        body = laid_out(body)
        shared = {BODY + name: value for name, value in body.items() if not is_inner_constant(name)}
        body = for_tasks(body, len(support.ways))
    yield State(body, head, features, moments)
    for step in range(count):
        if on_step is not None:
            on_step(step)
        if moves_body:
            with torch.enable_grad():
                body, head = _as_nodes(body), _as_nodes(head) if rule.moves_head else head
                features, _ = backbone(body, support.images, weights=support.weights)
                loss = support_loss(classify(head, features, mask), support.labels, weights)
                moving = {HEAD + n: v for n, v in head.items()} if rule.moves_head else {}
                moving |= {BODY + n: v for n, v in body.items() if not is_inner_constant(n)}
                gradients = torch.autograd.grad(
                    loss.sum(), list(moving.values()), create_graph=second_order, retain_graph=True
                )
        else:
            assert features is not None, "computed before, where the body stays"
            moving = {HEAD + n: v for n, v in head.items()}
            with torch.set_grad_enabled(second_order and torch.is_grad_enabled()):
                of_head = head_gradient(head, features, mask, support.labels, weights)
            gradients = tuple(of_head[n] for n in head)
        steps = {name: rule.rate(rates, name, step) for name in moving}
        if of_each_task:
            steps = {name: _aligned(rate, moving[name]) for name, rate in steps.items()}
        directions = [rule.direction(rates, *one) for one in zip(moving, gradients, strict=True)]
        moved = stepped(moving | shared, steps, directions)
        shared = {}
        body, head = body | part(moved, BODY), head | part(moved, HEAD)
        yield State(body, head, features, moments)


def support_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of each task, ``[T]``: logits ``[T, S, N]``, labels ``[T, S]``, weights ``[T, S]``."""
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return (losses.view_as(weights) * weights).sum(1)


def _as_nodes(params: Params) -> Params:
    """Let gradients be taken with respect to each tensor: as a node of its graph, or as a new leaf."""
    return {
        name: value if value.requires_grad or is_inner_constant(name) else value.detach().requires_grad_()
        for name, value in params.items()
    }


def _aligned(rate: Tensor, value: Tensor) -> Tensor:
    """Insert dimensions into rates ``[T, ...]`` to broadcast over values that have a class dimension after T."""
    return rate.view(len(rate), *[1] * (value.ndim - rate.ndim), *rate.shape[1:])
