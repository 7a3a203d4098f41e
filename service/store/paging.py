"""Lists in pages: newest first, each with an opaque cursor for the next."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from service.problems import Problem

Item = TypeVar("Item")
DEFAULT_LIMIT, MAX_LIMIT = 50, 500
_ABOVE_ALL = 2**62  # yet within SQLite's integers


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some items of a list, and where the next ones begin (None at the end)."""

    items: list[Item]
    next_cursor: str | None


def page(found: Sequence[tuple[int, Item]], limit: int) -> Page[Item]:
    """Make a page of numbered items, fetched up to ``limit + 1``: the extra one tells that there are more."""
    shown = [item for _, item in found[:limit]]
    more = len(found) > limit
    return Page(shown, _cursor(found[limit - 1][0]) if more else None)


def before(cursor: str | None) -> int:
    """Give the number below which all items of the cursor's page lie.

    Raises:
        Problem: 422 for a cursor that comes from no page.
    """
    if cursor is None:
        return _ABOVE_ALL
    try:
        number = int(base64.urlsafe_b64decode(cursor))
    except ValueError:  # binascii.Error included
        raise _no_cursor() from None
    if not 0 <= number < _ABOVE_ALL or cursor != _cursor(number):  # base64 and int also accept other spellings
        raise _no_cursor()
    return number


def _no_cursor() -> Problem:
    return Problem(422, "the cursor is none that a list gave; leave it out to begin", field="cursor")


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode()
