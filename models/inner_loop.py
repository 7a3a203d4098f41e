"""The inner loop: gradient steps on the support loss of T tasks, each with its own parameters to move."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from models.conv4 import Conv4, Params, for_tasks, is_constant
from models.heads import Head, classify, prototypes
from models.inner_rule import InnerRule
from models.inner_step import stepped
from models.support import Support

BODY, HEAD, RATES = "body.", "head.", "rates."


@dataclass(frozen=True)
class State:
    """Where T tasks are after some steps.

    Attributes:
        body: the backbone's parameters; those that move have a task dimension in front.
        head: ``weight`` ``[T, N, D]`` and ``bias`` ``[T, N]``.
        features: of the support images, ``[T, S, D]``, as the last step saw them; None before any step where the
            start needs none.
        moments: of ``support`` normalisation before any step, else None.
    """

    body: Params
    head: Params
    features: Tensor | None
    moments: Tensor | None


def states(
    backbone: Conv4,
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
    """Give the state before the first of ``count`` steps, and after each (see ``Learner.adapt``)."""
    body, rates = part(phi, BODY), part(phi, RATES)
    moves_body = rule.moves == "all" and count > 0
    moments: Tensor | None = None
    shape = len(support.ways), support.most_ways, backbone.features
    centres = support.weights.new_empty(()).expand(shape)
    if features is not None and backbone.normalisation == "support":
        raise ValueError("this adaptation computes features of its own: it takes none")
    if features is None and (head_of.from_prototypes or not moves_body):
        features, moments = backbone(body, support.images, weights=support.weights)
    if features is not None:
        centres = prototypes(features, support)
    head = head_of.start(part(phi, HEAD), centres)
    weights, mask = support.balanced_weights(), support.class_mask()
    if moves_body:
        body = for_tasks(body, len(support.ways))
    yield State(body, head, features, moments)
    for step in range(count):
        if on_step is not None:
            on_step(step)
        with torch.enable_grad():
            body, head = _as_nodes(body) if moves_body else body, _as_nodes(head)
            if moves_body:
                features, _ = backbone(body, support.images, weights=support.weights)
            assert features is not None, "computed now, or before where the body stays"
            loss = support_loss(classify(head, features, mask), support.labels, weights)
            moving = {f"{HEAD}{name}": value for name, value in head.items()}
            if moves_body:
                moving |= {BODY + n: v for n, v in body.items() if not is_constant(n)}
            gradients = torch.autograd.grad(
                loss.sum(), list(moving.values()), create_graph=second_order, retain_graph=True
            )
        moved = stepped(moving, {name: rule.rate(rates, name, step) for name in moving}, gradients)
        body, head = body | part(moved, BODY), part(moved, HEAD)
        yield State(body, head, features, moments)


def support_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of each task, ``[T]``: logits ``[T, S, N]``, labels ``[T, S]``, weights ``[T, S]``."""
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return (losses.view_as(weights) * weights).sum(1)


def _as_nodes(params: Params) -> Params:
    """Make each tensor one that gradients can be asked for: a node of its graph, or a leaf where it has none."""
    return {
        name: value if value.requires_grad or is_constant(name) else value.detach().requires_grad_()
        for name, value in params.items()
    }


def part(params: Mapping[str, Tensor], prefix: str) -> Params:
    """Those of phi under ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}
