"""Checks, before training, that the validation classes suffice for what a recipe measures on them."""

from collections.abc import Iterator
from itertools import count

from training.datasets.class_images import ClassImages, DataError
from training.datasets.folder import HELD_OUT, held_out
from training.measures.assessment import REPORT_SEED, report_protocol
from training.measures.calibration import CALIBRATION_SEED
from training.measures.evaluation import sampler_of
from training.measures.measured import Protocol
from training.recipe import Recipe, RecipeError, Validation

_LEAST_IMAGES = 3


def look_protocol(plan: Validation) -> Protocol:
    """The tasks of a run's validation looks, which choose phi."""
    return Protocol(plan.ways, plan.shots, plan.queries, plan.episodes, plan.seed, bool(plan.within_group))


def check_measurable(recipe: Recipe, validation: ClassImages) -> None:
    """Refuse what would end a run at its first look or, after all its steps, when the card is made.

    Raises:
        RecipeError: if the tasks that choose phi would be those of the reports or of the calibration.
        DataError: if there are too few classes, groups or images; the message names the recipe's field.
    """
    if recipe.validation.seed in (REPORT_SEED, CALIBRATION_SEED):
        raise RecipeError(
            f"validation.seed is {recipe.validation.seed}, that of the tasks that a card reports or that its "
            "confidence is fitted on; what chooses phi must be other tasks: take another seed"
        )
    for field, protocol in _protocols(recipe):
        try:
            sampler_of(validation, protocol)
        except DataError as error:
            raise DataError(
                f"{field}, on the {len(validation)} validation classes: {error}{_remedy(recipe, validation)}"
            ) from error
    poorest = int(validation.counts.argmin())
    if validation.counts[poorest] < _LEAST_IMAGES:
        raise DataError(
            f"what to expect of a task is fitted on tasks of 2 shots and a query, {_LEAST_IMAGES} images a "
            f"class; the validation class {validation.classes[poorest]!r} has {validation.counts[poorest]}: add "
            "to it or leave it out"
        )


def _protocols(recipe: Recipe) -> Iterator[tuple[str, Protocol]]:
    yield "validation", look_protocol(recipe.validation)
    for place, report in enumerate(recipe.reports):
        yield f"reports[{place}]", report_protocol(report, recipe.report_episodes)


def _remedy(recipe: Recipe, validation: ClassImages) -> str:
    """What to do if a folder holds too few classes for a recipe's tasks; empty for any other problem."""
    most = max(protocol.ways for _, protocol in _protocols(recipe))
    if recipe.data.name != "folder" or most <= len(validation):
        return ""
    enough = next(classes for classes in count() if held_out(classes) >= most)
    ways = len(validation)
    return (
        f"; a folder that is not divided into train, val and test gives validation {100 * HELD_OUT:g} % of its "
        f"classes, so it needs at least {enough}; or choose and report by fewer ways: "
        f"--set validation.ways={ways} 'reports=[{{ways: {ways}, shots: 1}}]'"
    )
