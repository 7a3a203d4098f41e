"""Checks whole numbers on a card: JSON allows 2.0 as well as 2, but the network accepts only the latter."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any


def check_whole(settings: object) -> None:
    """Check that all fields declared as ``int``, in settings and those nested in them, hold an ``int``.

    Without this check, an initialization would load but fail at the first request.

    Args:
        settings: a dataclass or a tuple of dataclasses; anything else is accepted unchecked.

    Raises:
        ValueError: naming the first field that holds something else.
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
