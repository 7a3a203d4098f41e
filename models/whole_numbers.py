"""Whole numbers of a card: JSON has 2.0 as well as 2, and a pass through the network takes only the latter."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any


def check_whole(settings: object) -> None:
    """Refuse settings, and those that they hold, where what is declared as ``int`` is something else.

    Without this an initialization would load, and fail at the first request.

    Args:
        settings: a dataclass, or a tuple of some; anything else holds no such number.

    Raises:
        ValueError: naming the first such field.
    """
    for name, value in _declared_whole(settings):
        if type(value) is not int:
            raise ValueError(f"{name} must be a whole number, not {value!r}")


def _declared_whole(settings: object) -> Iterator[tuple[str, Any]]:
    if isinstance(settings, tuple):
        for one in settings:
            yield from _declared_whole(one)
    elif is_dataclass(settings):
        for entry in fields(settings):
            value = getattr(settings, entry.name)
            if entry.type is int:
                yield entry.name, value
            yield from _declared_whole(value)
