"""What a recipe says of the outer loop."""

from dataclasses import dataclass
from typing import Literal

OuterRule = Literal["gradient", "reptile", "evolution", "policy-gradient"]
Reward = Literal["accuracy", "loss"]
WarmUpLoss = Literal["episodes", "pairs", "classes", "likeness"]


@dataclass(frozen=True)
class Outer:
    """The outer loop.

    Attributes:
        tasks: of a step; their query losses are averaged.
        steps: in all.
        warm_up: the first steps, during which the inner loop takes none: the head's start alone is trained, and
            ``running`` normalisation learns its constants.
        warm_up_loss: ``episodes`` takes the query loss of each task, ``pairs`` that of all one-shot tasks
            which a step's images hold together (see ``training.outer.pair_loss``), ``classes`` that of telling
            all training classes apart (see ``training.outer.class_loss``), ``likeness`` that of finding images
            alike as a teacher does, whatever their classes (see ``training.outer.likeness``).
        every_position: with ``classes``, tell them apart at each position of the last maps, not from their mean
            (see ``training.outer.every_position``).
        first_side: with ``classes`` or ``likeness``, the side of the images that the warm-up begins with, in
            pixels, from which they grow to the learner's (see ``training.tasks.growing``); 0 for the full side
            from the start.
        teacher: with ``classes``, the folder of a run of the same data and preprocessing whose answers are
            learned as well (see ``training.outer.distillation``); empty for none.
        feature_teacher: of ``likeness``, whose features are learned from: a shipped initialization, by its name,
            or the folder of another (see ``training.run.feature_teacher``).
        feature_views: of ``likeness``, in how many fixed views, jittered as the recipe says, all images are met.
        rule: how phi improves: by the ``gradient`` of the query loss; by ``reptile``, towards what training on
            each task makes of it; by ``evolution``, towards random changes that are rewarded; or by
            ``policy-gradient``, which makes rewarded answers likelier.
        second_order: with ``gradient``, differentiate the inner gradients too; otherwise they count as constants.
        first_order_until: with ``second_order``, the outer steps before they are (derivative-order annealing,
            Antoniou et al. 2019, section 4).
        multi_step_until: with ``gradient``, outer steps over which the query losses after all inner steps but the
            last lose their share (see ``training.outer.multi_step``); 0 for the last alone from the start.
        spread: of ``evolution``, the standard deviation of each parameter's change.
        reward: of ``evolution``, the share of right answers or the query loss, negated.
        draws: of ``policy-gradient``, answers to each query.
        learning_rate: Adam's, at its highest; it falls to 0 along half a cosine.
        rates_learning_rate: the same for the inner rates.
        weight_decay: share of each kernel that a step takes away, times the learning rate (Loshchilov and Hutter
            2019, algorithm 2).
        clip: largest norm of the outer gradient.
        precision: ``float32``, or ``bfloat16`` for convolutions and products during meta-training only, where the
            machine has such products (see ``training.outer.precision``).
    """

    tasks: int = 4
    steps: int = 1000
    warm_up: int = 0
    warm_up_loss: WarmUpLoss = "episodes"
    every_position: bool = False
    first_side: int = 0
    teacher: str = ""
    feature_teacher: str = ""
    feature_views: int = 0
    rule: OuterRule = "gradient"
    second_order: bool = True
    first_order_until: int = 0
    multi_step_until: int = 0
    spread: float = 0.05
    reward: Reward = "accuracy"
    draws: int = 4
    learning_rate: float = 2e-3
    rates_learning_rate: float = 2e-3
    weight_decay: float = 0.0
    clip: float = 10.0
    precision: Literal["float32", "bfloat16"] = "float32"
