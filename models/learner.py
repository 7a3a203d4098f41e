"""The learner F_phi: from a support set to a classifier, by the same code offline and online."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from models.backbones.at_rest import Embedding, at_rest, each_alone
from models.backbones.backbone import Backbone, Params, is_inner_constant, part
from models.heads import Head, classify
from models.inner_budget import FOLDS, held_out_steps
from models.inner_loop import BODY, HEAD, RATES, State, states, support_loss
from models.inner_rule import InnerRule
from models.support import Support
from models.theta import Theta

__all__ = ["BODY", "HEAD", "RATES", "Embedding", "Learner", "Theta", "part", "support_loss"]


@dataclass(frozen=True)
class Learner:
    """A backbone, a head and an inner rule; phi holds the parameters of all three under one namespace."""

    backbone: Backbone
    head: Head
    rule: InnerRule

    def initial(self, seed: int) -> Params:
        """Draw a fresh phi: ``body.*``, ``head.*`` and ``rates.*``."""
        generator = torch.Generator().manual_seed(seed)
        body = self.backbone.initial(generator)
        head = self.head.initial(self.backbone.features, generator)
        rates = self.rule.initial(self._movable(body))
        phi = {f"{BODY}{name}": value for name, value in body.items()}
        phi |= {f"{HEAD}{name}": value for name, value in head.items()}
        return phi | {f"{RATES}{name}": value for name, value in rates.items()}

    @property
    def keeps_features(self) -> bool:
        """Whether an image's features depend on phi and that image alone, so that tasks can share them."""
        return not self.rule.moves_body and self.backbone.normalisation != "support"

    def embedding(self, body: Params) -> Embedding:
        """Prepare, once for many calls, a function from images ``[B, C, H, W]`` to features ``[B, D]``.

        Args:
            body: the backbone's part of phi, which is only read and must not change afterwards.

        Raises:
            ValueError: if features depend on the task (see ``keeps_features``).
        """
        if not self.keeps_features:
            raise ValueError("this learner's features depend on the task: there is no embedding for all")
        return at_rest(self.backbone, body)

    def embed(self, phi: Params, images: Tensor) -> Tensor:
        """Features ``[T, B, D]`` of images ``[T, B, C, H, W]`` before any adaptation.

        Raises:
            ValueError: if features depend on the task (see ``keeps_features``).
        """
        if not self.keeps_features:
            raise ValueError("this learner's features depend on the task: they come with its adaptation")
        return self.backbone(part(phi, BODY), images)[0]

    def adapt(
        self,
        phi: Params,
        support: Support,
        *,
        features: Tensor | None = None,
        steps: int | None = None,
        second_order: bool = False,
        on_step: Callable[[int], None] | None = None,
    ) -> Theta:
        """Adapt to support sets: theta = adapt(phi, support), for T independent tasks at once.

        Args:
            phi: as ``initial`` names it; never written to.
            support: the labelled examples.
            features: of their images, ``[T, S, D]``, to avoid computing them again: as ``embed`` gave them or,
                for the 0 steps of the warm-up of ``running`` normalisation, under the training batch's moments.
            steps: inner steps; 0 gives the head's start. By default, as many as meta-training unrolled or, if no
                tensor of phi requires gradients, as many as the rule's budget gives each task.
            second_order: let a later backward pass differentiate the inner gradients too (Finn et al. 2017,
                section 2.2); otherwise they count as constants (first-order).
            on_step: called before each step with its number, from 0, and likewise in the cross-validation of a
                ``held-out`` budget; what it raises ends the adaptation.

        Returns:
            Theta; gradients flow through it to the tensors of phi that require them.

        Raises:
            ValueError: for features given to an adaptation that computes its own, since the body moves or
                ``support`` normalisation depends on the task.
        """
        if not torch.is_grad_enabled():
            # Under no_grad, views of a tensor that requires gradients still claim to require them.
            phi = {name: value.detach() for name, value in phi.items()}
        count = self._count(steps)
        chosen: Tensor | None = None
        meta_training = any(value.requires_grad for value in phi.values())
        if steps is None and count and self.rule.budget == "held-out" and not meta_training:
            chosen = self._held_out_steps(phi, support, features, on_step)
            count = int(chosen.max())
        for step, now in enumerate(
            self._states(phi, support, features, count, second_order=second_order, on_step=on_step)
        ):
            if chosen is None or step == 0:
                body, head, moments = now.body, now.head, now.moments
            else:
                body = _taken(chosen >= step, now.body, body)
                head = _taken(chosen >= step, now.head, head)
        return self._theta(support, count, body, head, moments)

    def path(
        self,
        phi: Params,
        support: Support,
        *,
        features: Tensor | None = None,
        steps: int | None = None,
        second_order: bool = False,
    ) -> Iterator[Theta]:
        """Yield theta after 0, 1, ... up to ``steps`` inner steps (see ``adapt``; the budget is not applied)."""
        count = self._count(steps)
        for step, now in enumerate(self._states(phi, support, features, count, second_order=second_order)):
            yield self._theta(support, step, now.body, now.head, now.moments)

    def _count(self, steps: int | None) -> int:
        """The number of steps to unroll."""
        return self.rule.steps if steps is None or self.rule.moves == "nothing" else steps

    def _theta(self, support: Support, step: int, body: Params, head: Params, moments: Tensor | None) -> Theta:
        moved = self.rule.moves_body and step > 0
        if self.backbone.normalisation == "support" and (moved or moments is None):
            _, moments = self.backbone(body, support.images, weights=support.weights)
        return Theta(body, head, support.ways, moments)

    def _states(
        self,
        phi: Params,
        support: Support,
        features: Tensor | None,
        count: int,
        *,
        second_order: bool = False,
        on_step: Callable[[int], None] | None = None,
    ) -> Iterator[State]:
        axes = (self.backbone, self.head, self.rule)
        return states(*axes, phi, support, features, count, second_order=second_order, on_step=on_step)

    def _held_out_steps(
        self, phi: Params, support: Support, features: Tensor | None, on_step: Callable[[int], None] | None
    ) -> Tensor:
        """How many steps each task is to take, int64 ``[T]`` (see ``models.inner_budget``)."""
        given = self.keeps_features
        with torch.no_grad():
            fixed = {name: value.detach() for name, value in phi.items()}

            def trajectory(parts: Support, of_parts: Tensor | None) -> Iterator[tuple[Params, Tensor]]:
                for now in self._states(fixed, parts, of_parts, self.rule.steps, on_step=on_step):
                    if given and now.features is not None:
                        yield now.head, now.features
                        continue
                    # Held-out examples have weight 0, so like queries they are normalised by the others' moments.
                    yield now.head, self.backbone(now.body, parts.images, weights=parts.weights)[0]

            if features is None:
                features, _ = self.backbone(part(fixed, BODY), support.images, weights=support.weights)
            # A start without features is the same for all classes: it cannot be what steps are measured against.
            usual = 0 if self.head.needs_features else self.rule.steps
            return held_out_steps(support, features.detach(), trajectory, given, usual)

    def operations(self, examples: int) -> int:
        """Floating-point operations of adapting to so many support images by all steps, in the backbone alone.

        An inner step of the body takes a forward pass, and twice as much for its gradient. One pass before the
        steps gives the head's start, and one after them the examples' features under theta. For a ``held-out``
        budget, one pass gives the features by which examples are dealt to folds; each fold adapts as well, and
        takes a pass to classify what is held out after each number of steps.
        """
        if self.keeps_features:
            return examples * self.backbone.operations
        adapting = 1 + (3 * self.rule.steps if self.rule.moves_body else 0)
        passes = adapting + 1
        if self.rule.budget == "held-out":
            passes += 1 + FOLDS * (adapting + self.rule.steps + 1)
        return passes * examples * self.backbone.operations

    def split(self, phi: Params, theta: Theta) -> list[Theta]:
        """Separate tasks that were adapted together, each as if alone, without padding to the others' ways.

        Args:
            phi: from which they were adapted.
            theta: of T tasks.
        """
        parted = []
        for task, ways in enumerate(theta.ways.tolist()):
            body = {
                name: value if value.shape == phi[BODY + name].shape else value[task : task + 1].clone()
                for name, value in theta.body.items()
            }
            parted.append(
                Theta(
                    body=body,
                    head={name: value[task : task + 1, :ways].clone() for name, value in theta.head.items()},
                    ways=theta.ways[task : task + 1].clone(),
                    moments=None if theta.moments is None else theta.moments[:, task : task + 1].clone(),
                )
            )
        return parted

    def features(self, theta: Theta, images: Tensor, *, alone: bool = False) -> Tensor:
        """Features ``[T, Q, D]`` of queries ``[T, Q, C, H, W]``, with ``alone`` to the last bit as if alone."""
        seen = theta.moments if self.backbone.normalisation == "support" else None
        if alone:
            return each_alone(self.backbone, theta.body, images, seen)
        return self.backbone(theta.body, images, seen=seen)[0]

    def logits(self, theta: Theta, features: Tensor) -> Tensor:
        """Logits ``[T, Q, N]`` of features ``[T, Q, D]``."""
        return classify(theta.head, features, theta.class_mask, alone=True)

    def predict(self, theta: Theta, images: Tensor) -> Tensor:
        """Logits ``[T, Q, N]`` of query images ``[T, Q, C, H, W]``."""
        return self.logits(theta, self.features(theta, images))

    def _movable(self, body: Params) -> dict[str, torch.Size]:
        """Shapes of the tensors that move, without task or class dimension."""
        moving: dict[str, torch.Size] = {}
        if self.rule.moves_head:
            moving = {f"{HEAD}weight": torch.Size([self.backbone.features]), f"{HEAD}bias": torch.Size([])}
        if self.rule.moves_body:
            moving |= {
                f"{BODY}{name}": value.shape for name, value in body.items() if not is_inner_constant(name)
            }
        return moving


def _taken(goes_on: Tensor, moved: Params, stays: Params) -> Params:
    """``moved`` for the tasks that go on, ``stays`` for the others; tensors that all tasks share are kept."""
    return {
        name: value
        if value is stays[name]
        else torch.where(goes_on.view(-1, *[1] * (value.ndim - 1)), value, stays[name])
        for name, value in moved.items()
    }
