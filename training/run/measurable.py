"""Checks, before training, that the classes suffice for a recipe's tasks and for what it measures."""

from collections.abc import Iterator
from itertools import count

from training.datasets.class_images import ClassImages, DataError
from training.datasets.folder import HELD_OUT, held_out
from training.measures.assessment import REPORT_SEED, report_protocol
from training.measures.calibration import CALIBRATION_SEED
from training.measures.evaluation import sampler_of
from training.measures.measured import Protocol
from training.recipe import Recipe, RecipeError, Validation
from training.tasks.episodes import check_images

_LEAST_IMAGES = 3


def look_protocol(plan: Validation) -> Protocol:
    """The tasks of a run's validation looks, which choose phi."""
    return Protocol(plan.ways, plan.shots, plan.queries, plan.episodes, plan.seed, bool(plan.within_group))


def check_measurable(recipe: Recipe, training: ClassImages, validation: ClassImages) -> None:
    """Refuse what would end a run at its first look or, after all its steps, when the card is made.

    Classes with too few images are told of both splits at once: what a user adds to or leaves out of a folder may
    move others to another split.

    Args:
        recipe: of the run.
        training: the classes it trains on, without copies of them.
        validation: the classes that choose phi.

    Raises:
        RecipeError: if the tasks that choose phi would be those of the reports or of the calibration.
        DataError: if there are too few classes, groups or images; the message names the recipe's field.
    """
    if recipe.validation.seed in (REPORT_SEED, CALIBRATION_SEED):
        raise RecipeError(
            f"validation.seed is {recipe.validation.seed}, that of the tasks that a card reports or that its "
            "confidence is fitted on; what chooses phi must be other tasks: take another seed"
        )
    _check_images(recipe, training, validation)
    for field, protocol in _protocols(recipe):
        try:
            sampler_of(validation, protocol)
        except DataError as error:
            raise DataError(
                f"{field}, on the {len(validation)} validation classes: {error}{_remedy(recipe, validation)}"
            ) from error
    if poor := validation.fewer_than(_LEAST_IMAGES):
        raise DataError(
            f"what to expect of a task is fitted on tasks of 2 shots and a query, {_LEAST_IMAGES} images a "
            f"class; of the validation classes, {poor}: add images or leave such classes out"
        )


def _check_images(recipe: Recipe, training: ClassImages, validation: ClassImages) -> None:
    episodes = recipe.episodes
    most = episodes.shots if isinstance(episodes.shots, int) else episodes.shots[1]
    field, measured = max(_protocols(recipe), key=lambda one: one[1].shots + one[1].queries)
    faults = []
    for at, data, shots, queries in (
        (f"episodes, on the {len(training)} training classes", training, most, episodes.queries),
        (f"{field}, on the {len(validation)} validation classes", validation, measured.shots, measured.queries),
    ):
        try:
            check_images(data, shots, queries)
        except DataError as error:
            faults.append(f"{at}: {error}")
    if faults:
        raise DataError("; ".join(faults))


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
