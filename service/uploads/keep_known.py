"""The threshold of ``unknown``: what share of images of known classes a request wants to be told known."""

from typing import Any

from models.confidence import KEEP_KNOWN, KEPT
from service.problems import Problem

FIELD = "keep_known"
LEAST, MOST = KEPT[0], KEPT[-1]


def read_keep_known(value: Any) -> float:
    """Read the field as it came: a form's text, or JSON's number or text; None or '' gives the default.

    Raises:
        Problem: 422 for what is no number from ``LEAST`` to ``MOST``, the range that cards are calibrated for.
    """
    if value is None or value == "":  # a form sends '' for an input left empty
        return KEEP_KNOWN
    try:
        share = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        share = None
    if share is None or not LEAST <= share <= MOST:  # NaN fails this, too
        detail = (
            f"{FIELD!r} is the share of images of known classes to be told known, {LEAST} to {MOST}; "
            "the more are kept, the fewer others are flagged unknown"
        )
        raise Problem(422, detail, title="Unusable share", field=FIELD)
    return share
