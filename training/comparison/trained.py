"""Learners that train before any unseen task: their recipes, their training, and what it cost."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

from models.backbones.backbone import Params
from models.initialization import learner_as_dict
from models.learner import Learner
from training.algorithms import ALGORITHMS
from training.comparison.plan import Plan
from training.comparison.plan_reading import PlanError
from training.comparison.supervised import CLASSIFIER, SupervisedTrainer
from training.datasets.class_images import ClassImages
from training.outer_plan import Outer
from training.recipe import Data, Episodes, Recipe, Validation
from training.run.divergence import Diverged
from training.run.trainer import CHECKPOINT, Trainer

SUPERVISED = "supervised"
_POINTS = 40  # of a loss curve
_LOSS = "training/query_loss"  # among the run's figures for TensorBoard


@dataclass(frozen=True)
class Trained:
    """A learner as its training left it.

    Attributes:
        learner: the composition; after supervised training, class means on the trained backbone.
        phi: that of the best look.
        seconds: time spent on training steps.
        images: number of images seen in them.
        losses: pairs of images seen and the mean training loss since the previous pair.
        looks: pairs of images seen and the accuracy on development tasks.
    """

    learner: Learner
    phi: Params
    seconds: float
    images: int
    losses: list[tuple[int, float]]
    looks: list[tuple[int, float]]


def trained(
    plan: Plan,
    name: str,
    training: ClassImages,
    development: ClassImages,
    folder: Path,
    *,
    device: torch.device,
) -> Trained:
    """Train, resume an interrupted training, or read a finished one.

    Args:
        plan: of the comparison.
        name: ``supervised``, or an algorithm's.
        training: classes.
        development: classes of the tasks that choose phi.
        folder: of the run.
        device: where to compute.

    Raises:
        PlanError: if training has diverged or lost its figures, with advice on what to do.
    """
    recipe = recipe_for(plan, name, folder.name)
    per_step = images_per_step(plan, name)
    trainer = (
        SupervisedTrainer(recipe, training, development, folder, batch=per_step, device=device)
        if name == SUPERVISED
        else Trainer(recipe, training, development, folder, device=device)
    )
    if (folder / CHECKPOINT).exists():
        trainer.resume()
    if trainer.progress.step < recipe.outer.steps:
        try:
            trainer.run()
        except Diverged as error:
            raise PlanError(_advice(name, error.found)) from error
    progress = trainer.progress
    phi = {name: value.detach() for name, value in trainer.best.items() if not name.startswith(CLASSIFIER)}
    return Trained(
        learner=trainer.learner,
        phi=phi,
        seconds=progress.seconds,
        images=progress.step * per_step,
        losses=[(step * per_step, loss) for step, loss in _losses(folder)],
        looks=[(step * per_step, accuracy) for step, accuracy in progress.looks],
    )


def _advice(name: str, found: str) -> str:
    rate, others = "supervised_learning_rate", ""
    if name != SUPERVISED:
        rate, others = "learning_rate", f", or go on without {name} by --resume and --algorithms"
    return f"training of {name} has diverged: {found}; lower training.{rate} and start in another --out{others}"


def images_per_step(plan: Plan, name: str) -> int:
    """Images that one step of training sees."""
    training = plan.training
    if name == SUPERVISED:
        return training.batch
    return training.tasks * plan.tasks.ways * (training.shots + training.queries)


def recipe_for(plan: Plan, name: str, title: str) -> Recipe:
    """The recipe of one learner's training: the plan's backbone and budget, the algorithm's head and rules."""
    training, tasks, choice = plan.training, plan.tasks, plan.choice
    steps = training.images // images_per_step(plan, name)
    supervised = name == SUPERVISED
    algorithm = ALGORITHMS["protonet" if supervised else name]
    rate = training.supervised_learning_rate if supervised else training.learning_rate
    outer = Outer(
        tasks=1 if supervised else training.tasks, steps=steps, learning_rate=rate, rates_learning_rate=rate
    )
    recipe = Recipe(
        name=title,
        description=f"One learner of the comparison {plan.name}.",
        licence="For comparison, not for use.",
        preprocessing=plan.preprocessing,
        learner={"backbone": plan.backbone, "head": dict(algorithm.head), "rule": dict(algorithm.rule)},
        seed=plan.seed,
        algorithm="" if supervised else name,
        data=Data(plan.data.name, plan.data.seed),
        episodes=Episodes(tasks.ways, training.shots, training.queries),
        outer=outer if supervised else replace(outer, **algorithm.outer),
        validation=Validation(
            every=-(-steps // training.looks),  # rounded up, so that no learner gets more looks than another
            episodes=choice.episodes,
            ways=tasks.ways,
            shots=training.shots,
            queries=tasks.queries,
            seed=choice.seed,
        ),
        reports=(),
    )
    return replace(recipe, learner=learner_as_dict(recipe.build_learner()))


def _losses(folder: Path) -> list[tuple[int, float]]:
    """The training losses that TensorBoard's events hold, averaged over equal stretches of steps."""
    events = EventAccumulator(str(folder), size_guidance={SCALARS: 0})
    events.Reload()
    if _LOSS not in events.Tags()[SCALARS]:
        raise PlanError(f"{folder} has lost the losses of its training; delete it and train again by --resume")
    found = [(event.step, event.value) for event in events.Scalars(_LOSS)]
    length = max(1, len(found) // _POINTS)
    stretches = [found[first : first + length] for first in range(0, len(found) - length + 1, length)]
    return [(one[-1][0], sum(value for _, value in one) / len(one)) for one in stretches]
