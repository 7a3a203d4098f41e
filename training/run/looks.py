"""Looks: regular measurements on validation tasks during a run, to choose the best phi and when to stop."""

from collections.abc import Mapping

from models.backbones.backbone import Params
from models.images.preprocessing import Preprocessing
from models.learner import Learner
from training.datasets.class_images import ClassImages
from training.measures.evaluation import measure
from training.progress import duration
from training.recipe import Recipe
from training.run.checkpoint import Progress
from training.run.measurable import look_protocol


def accuracy_of(
    recipe: Recipe,
    learner: Learner,
    phi: Params,
    preprocessing: Preprocessing,
    validation: ClassImages,
    *,
    warming: bool,
) -> float:
    """Measure the accuracy on the validation tasks: after adaptation, or without it while ``warming`` up."""
    protocol, inner_steps = look_protocol(recipe.validation), 0 if warming else None
    return measure(learner, phi, preprocessing, validation, protocol, inner_steps=inner_steps).accuracy


def is_best(progress: Progress, accuracy: float, warm_up: int) -> bool:
    """Whether the look at ``progress.step`` is the best so far.

    Looks of the warm-up measure without adapting, so they do not compete: the first look after it is the best.
    """
    first_adapted = progress.best_step <= warm_up < progress.step
    return accuracy > progress.best_accuracy or first_adapted


def out_of_patience(progress: Progress, patience: int, warm_up: int) -> bool:
    """Whether the last ``patience`` looks found nothing better; never if ``patience`` is 0.

    Looks of the warm-up do not count.
    """
    last = max(progress.best_step, warm_up)
    since = [step for step, _ in progress.looks if step > last]
    return 0 < patience <= len(since)


def told_accuracies(progress: Progress, warm_up: int) -> dict[str, str]:
    """Word the accuracies of the last and of the best look, by name.

    Those of the warm-up are marked, as they measure something else (see ``is_best``) and may be the higher ones.
    """
    if not progress.looks:
        return {"best": "none yet"}
    looks = {"accuracy": progress.looks[-1], "best": (progress.best_step, progress.best_accuracy)}
    return {
        name: f"{accuracy:.2%}{' (warm-up)' if step <= warm_up else ''}"
        for name, (step, accuracy) in looks.items()
    }


def look_line(progress: Progress, recipe: Recipe, told: Mapping[str, str]) -> str:
    """Word what a log gets at a look: the step, what is ``told`` of it by name, and the time of training."""
    step = f"step {progress.step} of {recipe.outer.steps}"
    trained = duration(progress.preparing + progress.seconds)
    named = "".join(f", {name} {value}" for name, value in told.items())
    return f"{recipe.name}: {step}{named}, trained {trained}"
