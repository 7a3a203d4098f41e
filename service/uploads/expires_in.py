"""How long a temporary task is kept without being used."""

from typing import Any

from service.problems import Problem

FIELD = "expires_in"
LEAST, MOST = 60, 365 * 24 * 3600  # seconds


def read_expires_in(value: Any) -> int | None:
    """Read the field as it came: a form's text, or JSON's number or text; None or '' means for good.

    Raises:
        Problem: 422 for what is no whole number of seconds from ``LEAST`` to ``MOST``.
    """
    if value is None or value == "":  # a form sends '' for an input left empty
        return None
    try:
        seconds = int(value) if _is_whole(value) else None
    except ValueError:
        seconds = None
    if seconds is None or not LEAST <= seconds <= MOST:
        detail = (
            f"{FIELD!r} is how many seconds a task is kept without being used, a whole number from {LEAST} to "
            f"{MOST}; leave it out to keep the task until it is deleted"
        )
        raise Problem(422, detail, title="Unusable time", field=FIELD)
    return seconds


def _is_whole(value: Any) -> bool:
    """Whether it may be a whole number: a text may, and 3600.0, which JSON tells from 3600 by nothing."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, str | int) and not isinstance(value, bool)
