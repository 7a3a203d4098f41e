"""Looks at validation tasks during a run: what they find, which phi is the best so far, and when to stop."""

from models.backbones.backbone import Params
from models.images.preprocessing import Preprocessing
from models.learner import Learner
from training.datasets.class_images import ClassImages
from training.measures.evaluation import measure
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
    """Measure phi on the validation tasks: adapted, or during the warm-up as it is."""
    protocol, inner_steps = look_protocol(recipe.validation), 0 if warming else None
    return measure(learner, phi, preprocessing, validation, protocol, inner_steps=inner_steps).accuracy


def is_best(progress: Progress, accuracy: float, warm_up: int) -> bool:
    """Whether the look at ``progress.step`` found more than all before.

    What the warm-up reached was reached without adapting: it does not compete with what follows.
    """
    first_adapted = progress.best_step <= warm_up < progress.step
    return accuracy > progress.best_accuracy or first_adapted


def out_of_patience(progress: Progress, patience: int, warm_up: int) -> bool:
    """Whether so many looks in a row have found nothing better; of 0, never.

    Looks of the warm-up never end a run: what follows has not been looked at yet.
    """
    last = max(progress.best_step, warm_up)
    since = [step for step, _ in progress.looks if step > last]
    return 0 < patience <= len(since)
