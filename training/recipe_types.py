"""Checks YAML values against the annotations of the dataclasses that are built from them."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from training.recipe import Built, RecipeError

_MOST = 3.4e38  # the largest number of float32, in which phi and its optimiser compute


def build(cls: type[Built], values: Any, at: str, whole: str = "the recipe") -> Built:
    """Build a dataclass from YAML values.

    Args:
        cls: the dataclass.
        values: the values of its fields, by name.
        at: what messages put before these names: the key of ``values`` and a full stop, or nothing at the top.
        whole: what messages call the file as a whole.

    Raises:
        RecipeError: naming a key that is unknown, missing or of the wrong type.
    """
    return cls(**fitting(cls, values, at, whole))


def fitting(cls: Any, values: Any, at: str, whole: str = "the recipe") -> dict[str, Any]:
    """Check and convert the values of a dataclass's fields, by name, without building it; see ``build``."""
    if not isinstance(values, Mapping):
        raise RecipeError(f"{at or whole} must be a mapping of keys to values, not {values!r}")
    hints = typing.get_type_hints(cls)
    fields = {entry.name: entry for entry in dataclasses.fields(cls) if entry.init}
    if unknown := sorted(set(values) - set(fields), key=str):
        raise RecipeError(f"unknown key {at}{unknown[0]}; {at or whole} takes {', '.join(fields)}")
    for name, entry in fields.items():
        required = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise RecipeError(f"{whole} lacks {at}{name}")
    return {name: _value(hints[name], value, f"{at}{name}") for name, value in values.items()}


def _value(hint: Any, value: Any, at: str) -> Any:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return build(hint, value, f"{at}.")
    origin = typing.get_origin(hint)
    if origin is types.UnionType:
        number, other = typing.get_args(hint)
        if other is types.NoneType:
            return None if value is None else _value(number, value, at)
        return _value(other if isinstance(value, list | tuple) else number, value, at)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise RecipeError(f"{at} must be a list")
        members = typing.get_args(hint)
        if members[-1] is not ... and len(value) != len(members):
            raise RecipeError(f"{at} must have {len(members)} entries, not {len(value)}")
        return tuple(_value(members[0], entry, f"{at}[{i}]") for i, entry in enumerate(value))
    if origin is Literal:
        if value not in typing.get_args(hint):
            raise RecipeError(f"{at} must be one of {', '.join(map(str, typing.get_args(hint)))}, not {value!r}")
        return value
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= _MOST:
            raise RecipeError(f"{at} must be a finite number, and at most {_MOST:g}, not {value!r}")
        return float(value)
    if isinstance(hint, type) and issubclass(hint, tuple):
        return value  # a named tuple: the part that contains it reads it
    wanted = dict if origin is dict else hint
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise RecipeError(f"{at} must be of type {wanted.__name__}, not {value!r}")
    return value
