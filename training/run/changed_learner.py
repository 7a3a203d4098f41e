"""An initialization whose learner uses the same phi differently: other views, another use of the scatter."""

from collections.abc import Sequence

from models.backbones.backbone import Params
from models.initialization import Initialization, learner_as_dict, learner_from_dict
from models.learner import Learner
from training.datasets.class_images import ClassImages
from training.recipe import NO_FIT, RecipeError
from training.recipe_parts import check_images, check_learner
from training.recipe_reading import lay_override
from training.run.after_warm_up import MEASURED, measure_features


def changed(initialization: Initialization, overrides: Sequence[str]) -> Learner:
    """The initialization's learner with ``learner.key=value`` overrides (YAML values) applied.

    Raises:
        RecipeError: if an override is not of the learner, does not fit, or would need another phi.
    """
    values = {"learner": learner_as_dict(initialization.learner)}
    for override in overrides:
        if not override.startswith("learner."):
            raise RecipeError(
                f"--set takes keys of the learner, for example learner.head.pull=2, not {override!r}"
            )
        lay_override(values, override)
    check_learner(values["learner"])
    try:
        learner = learner_from_dict(values["learner"])
        before, after = initialization.phi, learner.initial(seed=0)
    except NO_FIT as error:
        raise RecipeError(f"the learner does not fit: {error}") from error
    check_images(initialization.preprocessing, learner.backbone, "learner.backbone.")
    if differing := sorted(
        name
        for name in (before.keys() | after.keys()) - MEASURED
        if name not in before or name not in after or before[name].shape != after[name].shape
    ):
        raise RecipeError(f"--set asks for another phi ({differing[0]}): train it, by a recipe that says so")
    return learner


def measured(learner: Learner, initialization: Initialization, training: ClassImages) -> Params:
    """A copy of phi in which a changed learner has measured centre and scatter of the training images anew."""
    fresh = learner.initial(seed=0)
    phi = {
        name: (value if name in MEASURED else initialization.phi[name]).clone() for name, value in fresh.items()
    }
    measure_features(learner, phi, initialization.preprocessing, training)
    return phi
