"""Reads recipes from YAML, with overrides, refusing what they do not know."""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml

from training.algorithms import ALGORITHMS
from training.recipe import Recipe, RecipeError


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and lay ``key.key=value`` overrides (YAML values) over it.

    Raises:
        RecipeError: naming the key, where one is unknown, missing or of the wrong type.
    """
    if not path.exists():
        raise RecipeError(f"there is no recipe {path}; those that come with the project: {_shipped()}")
    return build_recipe(read_values(path, overrides))


def read_values(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """Read a YAML mapping and lay ``key.key=value`` overrides (YAML values) over it.

    Raises:
        RecipeError: where the file or an override is no such thing.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise RecipeError(f"{path} must be a mapping of keys to values")
    for override in overrides:
        lay_override(values, override)
    return values


def build_recipe(values: Mapping[str, Any]) -> Recipe:
    """Build a recipe of its own keys; what ``tune`` says is not part of a run.

    Raises:
        RecipeError: naming the key, where one is unknown, missing or of the wrong type.
    """
    values = {key: value for key, value in values.items() if key != "tune"}
    if name := values.get("algorithm"):
        if name not in ALGORITHMS:
            raise RecipeError(f"algorithm must be one of {', '.join(ALGORITHMS)}, not {name!r}")
        values = ALGORITHMS[name].laid_under(values)
    recipe: Recipe = build(Recipe, values, at="")
    recipe.build_preprocessing()
    recipe.build_learner()
    return recipe


def _shipped() -> str:
    return ", ".join(sorted(path.name for path in (Path(__file__).parent / "recipes").glob("*.yaml")))


def lay_over(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a ``key.key`` of a recipe's values, in place.

    Raises:
        RecipeError: where a part of the key holds a single value.
    """
    *parents, last = key.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise RecipeError(f"{key}: {parent} is a single value, not a group of keys")
    values[last] = value


def lay_override(values: dict[str, Any], override: str) -> None:
    """Set what ``key.key=value`` says, a YAML value, of a recipe's values, in place.

    Raises:
        RecipeError: where it is no such thing.
    """
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"--set takes key=value, for example outer.steps=500, not {override!r}")
    lay_over(values, key, yaml.safe_load(text))


def build(cls: Any, values: Any, at: str, whole: str = "the recipe") -> Any:
    """Build a dataclass from YAML values, refusing what it does not take.

    Args:
        cls: the dataclass.
        values: by the names of its fields.
        at: before these names in messages: the key of ``values`` and a full stop, or nothing at the top.
        whole: what the file as a whole is, in messages.

    Raises:
        RecipeError: naming the key.
    """
    if not isinstance(values, Mapping):
        raise RecipeError(f"{at or whole} must be a mapping of keys to values, not {values!r}")
    hints = typing.get_type_hints(cls)
    fields = {entry.name: entry for entry in dataclasses.fields(cls)}
    if unknown := sorted(set(values) - set(fields)):
        raise RecipeError(f"unknown key {at}{unknown[0]}; {at or whole} takes {', '.join(fields)}")
    for name, entry in fields.items():
        required = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise RecipeError(f"{whole} lacks {at}{name}")
    return cls(**{name: _value(hints[name], value, f"{at}{name}") for name, value in values.items()})


def _value(hint: Any, value: Any, at: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return build(hint, value, f"{at}.")
    origin = typing.get_origin(hint)
    if origin is types.UnionType:
        number, pair = typing.get_args(hint)
        return _value(pair if isinstance(value, list) else number, value, at)
    if origin is tuple:
        if not isinstance(value, list):
            raise RecipeError(f"{at} must be a list")
        members = typing.get_args(hint)
        if members[-1] is not ... and len(value) != len(members):
            raise RecipeError(f"{at} must have {len(members)} entries, not {len(value)}")
        return tuple(_value(members[0], entry, f"{at}[{i}]") for i, entry in enumerate(value))
    if origin is Literal:
        if value not in typing.get_args(hint):
            raise RecipeError(f"{at} must be one of {', '.join(map(str, typing.get_args(hint)))}, not {value!r}")
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    wanted = dict if origin is dict else hint
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise RecipeError(f"{at} must be of type {wanted.__name__}, not {value!r}")
    return value
