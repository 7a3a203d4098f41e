"""The settings of the outer loop in a recipe."""

from dataclasses import dataclass
from typing import Literal

OuterRule = Literal["gradient", "reptile", "evolution", "policy-gradient"]
Reward = Literal["accuracy", "loss"]
WarmUpLoss = Literal["episodes", "pairs", "classes", "likeness"]


@dataclass(frozen=True)
class Outer:
    """The outer loop; all steps are counted from the start of the run.

    Attributes:
        tasks: tasks of each outer step; their query losses are averaged.
        steps: outer steps in all, the warm-up included.
        warm_up: the first outer steps, which take no inner steps: they train the network as it answers without
            adapting, and ``running`` normalisation learns its constants.
        warm_up_loss: ``episodes`` takes the query loss of each task; ``pairs`` that of all one-shot tasks the
            step's images can form (see ``training.outer.pair_loss``); ``classes`` that of telling all training
            classes apart (see ``training.outer.class_loss``); ``likeness`` that of judging images as similar as a
            teacher does, whatever their classes (see ``training.outer.likeness``).
        every_position: with ``classes``, tell them apart at each position of the last maps, not from their mean
            (see ``training.outer.every_position``).
        first_side: with ``classes`` or ``likeness``, the side in pixels of the first images of the warm-up, which
            then grow to the learner's side (see ``training.tasks.growing``); 0 for the full side from the start.
        teacher: with ``classes``, the folder of a run with the same data and preprocessing, whose answers are
            learned as well (see ``training.outer.distillation``); empty for none.
        feature_teacher: with ``likeness``, the initialization whose features are learned from: a shipped one by
            its name, or the folder of another (see ``training.run.feature_teacher``).
        feature_views: with ``likeness``, the number of fixed views, jittered as the recipe says, in which the
            teacher sees each image; every step shows one of them.
        rule: how phi improves: ``gradient`` follows the gradient of the query loss; ``reptile`` moves towards
            what training on each task makes of phi; ``evolution`` moves towards random changes that are rewarded;
            ``policy-gradient`` makes rewarded answers likelier.
        second_order: with ``gradient``, differentiate the inner gradients too; otherwise they count as constants.
        first_order_until: with ``second_order``, the number of first outer steps in which they count as constants
            all the same (derivative-order annealing, Antoniou et al. 2019, section 4).
        multi_step_until: with ``gradient``, the number of first outer steps over which the weights of the query
            losses after all inner steps but the last fall to 0 (see ``training.outer.multi_step``); 0 to use the
            last alone from the start.
        spread: with ``evolution``, the standard deviation of each parameter's change.
        reward: with ``evolution``, the share of right answers, or the negative query loss.
        draws: with ``policy-gradient``, the number of answers drawn for each query.
        learning_rate: Adam's at its highest; it falls to 0 along half a cosine.
        rates_learning_rate: likewise for the inner rates.
        weight_decay: times the learning rate, the share of each kernel of the body that a step takes away
            (Loshchilov and Hutter 2019, algorithm 2).
        clip: the largest norm of the outer gradient; a longer one is scaled down to it.
        precision: ``float32``, or ``bfloat16`` for convolutions and products during meta-training only, if the
            device multiplies bfloat16 natively (see ``training.outer.precision``).
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
