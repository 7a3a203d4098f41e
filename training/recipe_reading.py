"""Recipes as YAML: reads them, applies overrides, refuses unknown keys, and writes them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from training.algorithms import ALGORITHMS
from training.recipe import NO_FIT, Recipe, RecipeError
from training.recipe_parts import check_images, check_parts
from training.recipe_ranges import check_ranges
from training.recipe_types import build

RECIPES = Path(__file__).parent / "recipes"  # those that come with the project


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-4 is a number; YAML 1.1 reads it as text, since it has no decimal point."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


# What the parser raises: its own exception and, for values that Python cannot make, others.
_NO_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError)
_SHOWN = 100  # characters of an override that is told


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply ``key.key=value`` overrides (YAML values) to it.

    Raises:
        RecipeError: if the file does not exist or is no YAML mapping, or naming a key that is unknown, missing or
            has a value that does not fit.
    """
    if not path.exists():
        raise RecipeError(f"there is no recipe {path}; those that come with the project: {_shipped()}")
    return build_recipe(read_values(path, overrides))


def read_values(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """Read a YAML mapping and apply ``key.key=value`` overrides (YAML values) to it.

    Raises:
        RecipeError: if the file cannot be read or is no YAML mapping in UTF-8, or an override is malformed.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not a text in UTF-8 ({error})") from error
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror}") from error
    except _NO_YAML as error:
        raise RecipeError(f"{path} is not valid YAML: {_told(error)}") from error
    if not isinstance(values, dict):
        raise RecipeError(f"{path} must be a mapping of keys to values")
    for override in overrides:
        lay_override(values, override)
    return values


def as_yaml(values: Mapping[str, Any]) -> str:
    """Write values as YAML in their order."""
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True)


def build_recipe(values: Mapping[str, Any]) -> Recipe:
    """Build and check a recipe from its values; the key ``tune`` is not part of a run, and is ignored.

    Raises:
        RecipeError: naming a key that is unknown, missing or has a value that does not fit.
    """
    values = {key: value for key, value in values.items() if key != "tune"}
    if name := values.get("algorithm"):
        if not isinstance(name, str) or name not in ALGORITHMS:
            raise RecipeError(f"algorithm must be one of {', '.join(ALGORITHMS)}, not {name!r}")
        values = ALGORITHMS[name].laid_under(values)
    recipe = build(Recipe, values, at="")
    check_name(recipe.name)
    check_parts(recipe.preprocessing, recipe.learner)
    check_ranges(recipe.as_dict())
    preprocessing, learner = recipe.build_preprocessing(), recipe.build_learner()
    check_images(preprocessing, learner.backbone, "learner.backbone.")
    try:
        learner.initial(0)
    except (*NO_FIT, RuntimeError) as error:
        raise RecipeError(f"learner in the recipe does not fit: {error}") from error
    return recipe


def check_name(name: str) -> None:
    """Check that a folder can have this name.

    Raises:
        RecipeError: if it can't.
    """
    if name in ("", "..") or Path(name).name != name:
        raise RecipeError(f"name must be that of a folder, without any /, not {name!r}")


def _shipped() -> str:
    return ", ".join(sorted(path.name for path in RECIPES.glob("*.yaml")))


def lay_over(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a ``key.key`` among a recipe's values, in place.

    Raises:
        RecipeError: if a part of the key before the last holds a single value.
    """
    *parents, last = key.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise RecipeError(f"{key}: {parent} is a single value, not a group of keys")
    values[last] = value


def lay_override(values: dict[str, Any], override: str) -> None:
    """Apply an override ``key.key=value`` (a YAML value) to a recipe's values, in place.

    Raises:
        RecipeError: if it does not have that form, or a part of the key before the last holds a single value.
    """
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"--set takes key=value, for example outer.steps=500, not {override!r}")
    try:
        value = yaml.load(text, _Loader)
    except _NO_YAML as error:
        told = " ".join(_told(error).split())  # on one line
        shown = override if len(override) <= _SHOWN else f"{override[:_SHOWN]}..."
        raise RecipeError(f"--set {shown!r}: what follows = is not valid YAML: {told}") from error
    lay_over(values, key, value)


def _told(error: Exception) -> str:
    """Say what the YAML parser found, in words of our own where its message is for programmers."""
    if isinstance(error, RecursionError):
        return "its values are nested too deeply"
    if isinstance(error, yaml.YAMLError):
        return str(error)
    return "a date or number in it is not one, or has too many digits"
