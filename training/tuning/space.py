"""The space of a search: which of a recipe's keys are tried, and over which values."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from training.recipe import Recipe, RecipeError
from training.recipe_reading import build_recipe, lay_over

# If these varied, trials would be measured on different tasks, or would differ in name only.
_FIXED = (
    *("name", "description", "licence", "seed", "data.name", "data.seed", "validation"),
    *("reports", "report_episodes", "calibration_tasks"),
)
_FORMS = "{low: ..., high: ...}, with log: true or step: ... where wanted, or {choices: [...]}"


@dataclass(frozen=True)
class Space:
    """Keys of a recipe and the values that a search tries.

    Attributes:
        distributions: by key, such as ``outer.learning_rate``; choices are encoded as JSON, because any value of
            a recipe can be a choice.
    """

    distributions: Mapping[str, BaseDistribution]

    @classmethod
    def read(cls, given: Any) -> "Space":
        """Read what a recipe says under ``tune``.

        Args:
            given: maps keys to ``{low, high, log, step}`` (whole numbers if ends and step are) or ``{choices}``.

        Raises:
            RecipeError: naming a key that cannot be searched, or what is malformed.
        """
        if not isinstance(given, Mapping) or not given:
            raise RecipeError(f"tune must map keys of the recipe to {_FORMS}")
        return cls({str(key): _distribution(str(key), one) for key, one in given.items()})

    def check(self, values: Mapping[str, Any]) -> None:
        """Check that the recipe can be built with each end, or each choice, of each key.

        Raises:
            RecipeError: naming a key that the recipe does not take, or does not take with one of these values.
        """
        for key, distribution in self.distributions.items():
            for value in _ends(distribution):
                try:
                    self.recipe(values, {key: value})
                except RecipeError as error:
                    raise RecipeError(f"tune.{key}: {error}") from error

    def recipe(self, values: Mapping[str, Any], chosen: Mapping[str, Any]) -> Recipe:
        """Build the recipe of a trial.

        Args:
            values: the recipe's own keys.
            chosen: a value for each key, in Optuna's form.

        Raises:
            RecipeError: if values do not fit together.
        """
        of_trial = copy.deepcopy(dict(values))
        for key, value in chosen.items():
            lay_over(of_trial, key, self.value(key, value))
        return build_recipe(of_trial)

    def value(self, key: str, chosen: Any) -> Any:
        """Turn Optuna's value of a key into the recipe's."""
        return json.loads(chosen) if isinstance(self.distributions[key], CategoricalDistribution) else chosen

    def own(self, recipe: Recipe) -> dict[str, Any]:
        """Return the recipe's own values in Optuna's form, for those keys whose range or choices contain them."""
        found = {}
        for key, distribution in self.distributions.items():
            value: Any = recipe.as_dict()
            for part in key.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            if key == "learner.head.initial_scale" and value is None:
                value = float(recipe.build_learner().initial(0)["head.log_scale"].exp())
            if isinstance(distribution, CategoricalDistribution):
                value = json.dumps(value)
                held = value in distribution.choices
            else:
                low, high = _ends(distribution)
                held = isinstance(value, int | float) and low <= value <= high
            if held:
                found[key] = value
        return found


def _distribution(key: str, given: Any) -> BaseDistribution:
    if any(f"{key}.".startswith(f"{fixed}.") or fixed.startswith(f"{key}.") for fixed in _FIXED):
        raise RecipeError(
            f"tune.{key} cannot be searched: all trials are compared by the same validation tasks; "
            "change it in the recipe"
        )
    if not isinstance(given, Mapping) or not (set(given) == {"choices"} or {"low", "high"} <= set(given)):
        raise RecipeError(f"tune.{key} must be {_FORMS}, not {given!r}")
    if unknown := sorted(set(given) - {"low", "high", "log", "step", "choices"}, key=str):
        raise RecipeError(f"tune.{key} must be {_FORMS}; it has {unknown[0]}")
    if "choices" in given:
        if not isinstance(given["choices"], list) or not given["choices"]:
            raise RecipeError(f"tune.{key}.choices must be a list of values, not {given['choices']!r}")
        return CategoricalDistribution([json.dumps(value) for value in given["choices"]])
    low, high = (_number(given[end], f"tune.{key}.{end}") for end in ("low", "high"))
    step = _number(given["step"], f"tune.{key}.step") if "step" in given else None
    log = given.get("log", False)
    if not isinstance(log, bool):
        raise RecipeError(f"tune.{key}.log must be true or false, not {log!r}")
    try:
        if all(isinstance(one, int) for one in (low, high, step or 1)):
            return IntDistribution(int(low), int(high), log=log, step=int(step or 1))
        return FloatDistribution(low, high, log=log, step=step)
    except ValueError as error:
        raise RecipeError(f"tune.{key}: {error}") from error


def _number(given: Any, at: str) -> int | float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise RecipeError(f"{at} must be a number, not {given!r}")
    return given


def _ends(distribution: BaseDistribution) -> tuple[Any, ...]:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return distribution.low, distribution.high
