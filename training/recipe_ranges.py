"""Checks the ranges of a recipe's numbers that building its parts does not check."""

from collections.abc import Mapping
from typing import Any

from training.recipe import RecipeError
from training.seeds import MOST_SEED

MOST_RATE = 1.0  # of Adam, a step of which changes every number by about its rate
_SEEDS = ("seed", "data.seed", "validation.seed")
_ALIKE = ("class_jitter", "task_jitter")
_JITTERS = ("jitter", *_ALIKE)
# The most of each: a whole turn, images shifted out of their frame, sides and colours twentyfold. Far beyond,
# pixels become NaN.
_JITTERED = {"rotation": 360, "shear": 10, "scale": 3, "shift": 1, "elastic": 1, "colour": 3}
_AT_MOST = {
    **dict.fromkeys(_SEEDS, MOST_SEED),
    **dict.fromkeys(("outer.learning_rate", "outer.rates_learning_rate", "structure.learning_rate"), MOST_RATE),
    **{f"{jitter}.{key}": most for jitter in _JITTERS for key, most in _JITTERED.items()},
}
_AT_LEAST = {
    **dict.fromkeys(_SEEDS, 0),
    "preprocessing.margin": 0,
    **{f"learner.backbone.{key}": 1 for key in ("channels", "side", "width", "groups")},
    **{f"outer.{key}": 1 for key in ("tasks", "steps")},
    **{f"outer.{key}": 0 for key in ("warm_up", "first_order_until", "multi_step_until", "feature_views")},
    **{f"outer.{key}": 0 for key in ("learning_rate", "rates_learning_rate", "weight_decay")},
    "outer.draws": 2,  # each draw's reward is compared with the mean of the others
    **{f"validation.{key}": 1 for key in ("every", "episodes")},
    "validation.patience": 0,
    "report_episodes": 2,  # for an interval
    "calibration_tasks": 1,
    **{f"structure.{key}": 1 for key in ("steps", "tasks", "structure_tasks", "every")},
    **{f"structure.{key}": 0 for key in ("warm_up", "learning_rate", "decisiveness")},
    **{f"{jitter}.{key}": 0 for jitter in _JITTERS for key in _JITTERED},
}
_0_OR_1 = ("validation.within_group",)  # for training tasks it is a share
_ABOVE_0 = ("learner.head.initial_scale", "outer.spread", "outer.clip")


def check_ranges(values: Mapping[str, Any]) -> None:
    """Check a recipe's numbers.

    Args:
        values: of the recipe, already of the right types.

    Raises:
        RecipeError: naming the key that is out of range, and the range.
    """
    for jitter in _ALIKE:
        if any(_numbers(values, f"{jitter}.colour")):
            raise RecipeError(f"{jitter}.colour does nothing: colours change image by image; set jitter.colour")
    if values["episodes"]["ragged"] and len(set(_numbers(values, "episodes.shots"))) < 2:
        raise RecipeError("episodes.ragged does nothing with one number of shots; give a range, as in [1, 5]")
    for key, least in _AT_LEAST.items():
        for number in _numbers(values, key):
            if number < least:
                raise RecipeError(f"{key} must be at least {least}, not {number}")
    for key in _ABOVE_0:
        for number in _numbers(values, key):
            if number <= 0:
                raise RecipeError(f"{key} must be above 0, not {number}")
    for key in _0_OR_1:
        for number in _numbers(values, key):
            if number not in (0, 1):
                raise RecipeError(f"{key} must be 0 or 1, not {number}")
    for key, most in _AT_MOST.items():
        for number in _numbers(values, key):
            if number > most:
                raise RecipeError(f"{key} must be at most {most}, not {number}")
    structure = values.get("structure")
    if structure and structure["warm_up"] >= structure["steps"]:
        raise RecipeError(
            f"structure.warm_up must be below structure.steps, {structure['steps']}, not {structure['warm_up']}: "
            "only the steps after it search"
        )


def _numbers(values: Mapping[str, Any], key: str) -> list[Any]:
    """The numbers that the recipe has under a key such as ``outer.steps``: none, one or several."""
    found: Any = values
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if found is None:
        return []
    return found if isinstance(found, list) else [found]
