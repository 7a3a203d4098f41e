"""Finds out before training whether the validation classes have what a recipe wants to measure on them."""

from collections.abc import Iterator

from training.datasets.class_images import ClassImages, DataError
from training.measures.assessment import report_protocol
from training.measures.evaluation import sampler_of
from training.measures.measured import Protocol
from training.recipe import Recipe, Validation


def look_protocol(plan: Validation) -> Protocol:
    """The tasks of a run's looks, which choose phi."""
    return Protocol(plan.ways, plan.shots, plan.queries, plan.episodes, plan.seed, bool(plan.within_group))


def check_measurable(recipe: Recipe, validation: ClassImages) -> None:
    """Refuse what would end a run at its first look, or after all its steps at the card.

    Raises:
        DataError: where classes, groups or images do not suffice, with the recipe's field.
    """
    for field, protocol in _protocols(recipe):
        try:
            sampler_of(validation, protocol)
        except DataError as error:
            raise DataError(f"{field}, on the {len(validation)} validation classes: {error}") from error


def _protocols(recipe: Recipe) -> Iterator[tuple[str, Protocol]]:
    yield "validation", look_protocol(recipe.validation)
    for place, report in enumerate(recipe.reports):
        yield f"reports[{place}]", report_protocol(report, recipe.report_episodes)
