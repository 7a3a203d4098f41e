"""The operating point of ``unknown``: which share of items of known classes a request wants told known."""

from typing import Any

from models.confidence import KEEP_KNOWN, KEPT
from service.problems import Problem

FIELD = "keep_known"
LEAST, MOST = KEPT[0], KEPT[-1]


def read_keep_known(value: Any) -> float:
    """Read the field as it came, a text of a form or a number of JSON.

    Raises:
        Problem: 422 for what is no number, or one beyond what cards tell about.
    """
    if value is None or value == "":  # what a form sends for an input left empty
        return KEEP_KNOWN
    try:
        share = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        share = None
    if share is None or not LEAST <= share <= MOST:  # a NaN is not between them either
        detail = (
            f"{FIELD!r} is the share of images of known classes to be told known, {LEAST} to {MOST}; "
            "the more are kept, the fewer others are flagged unknown"
        )
        raise Problem(422, detail, title="Unusable share", field=FIELD)
    return share
