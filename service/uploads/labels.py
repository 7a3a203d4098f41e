"""Labels and other short texts that callers choose."""

import unicodedata
from typing import Any

from service.problems import Problem

MAX_CHARACTERS = 100
_TOLD = 30  # of a longer one: by these its caller finds it
_LONGEST_SPELLING = 4 * MAX_CHARACTERS  # no character is spelled with more than four
# Control characters, halves of characters, and what ends a line for some readers of JSON lines and tables.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_UNSEEN = frozenset({"Cf", "Zs"})
_DOTS = frozenset({".", ".."})


def clean_label(label: Any, *, field: str, file: str | None = None) -> str:
    """Give a label as ``clean_text`` does, that can stand in an address: ``DELETE .../classes/{label}``.

    Clients take ``.`` and ``..`` out of addresses before they send them (RFC 3986, 5.2.4), also where they are
    quoted, so that a class of that name could not be reached, and something else would be in its place.

    Raises:
        Problem: 422 as for a text, and for a label with a part between slashes that is ``.`` or ``..``.
    """
    clean = clean_text(label, field=field, what="label", file=file)
    if not _DOTS.isdisjoint(clean.split("/")):
        detail = f"the label {clean!r} has a part '.' or '..', which no address keeps; choose another name"
        raise Problem(422, detail, title="Unusable label", file=file, field=field)
    return clean


def clean_text(text: Any, *, field: str, what: str, file: str | None = None) -> str:
    """Give a text in canonical Unicode (NFC), without surrounding blanks.

    Args:
        text: what came; not known to be a text.
        field: as problems name it.
        what: the text's part in the request, as problems call it.
        file: the image that it belongs to, as problems name it.

    Raises:
        Problem: 422 for one that is missing, blank, too long or not plain text.
    """

    def refuse(why: str) -> Problem:
        return Problem(422, f"the {what} {why}", title=f"Unusable {what}", file=file, field=field)

    if not isinstance(text, str):
        raise refuse("is missing" if text is None else "is not a text")
    clean = canonical(text)
    if all(unicodedata.category(character) in _UNSEEN for character in clean):
        raise refuse("is blank")
    if len(clean) > MAX_CHARACTERS:
        begins = one_line(clean[:_TOLD])
        raise refuse(f"{begins!r}... has {len(clean)} characters, {MAX_CHARACTERS} are allowed")
    if any(unicodedata.category(character) in _UNPRINTABLE for character in clean):
        raise refuse("holds control characters or line breaks")
    return clean


def canonical(text: str) -> str:
    """Give a text in canonical Unicode (NFC), without surrounding blanks; if far too long, only the latter."""
    stripped = text.strip()
    # To put a row of combining marks in order takes the square of its length: seconds, for a hundred thousand.
    return stripped if len(stripped) > _LONGEST_SPELLING else unicodedata.normalize("NFC", stripped)


def printable(name: str) -> str:
    """Make a file name fit for logs, JSON and tables: one line (see ``one_line``), and not endless.

    All else stays, so that callers find their names again in the answer.
    """
    return one_line(name[-255:])


def one_line(text: str) -> str:
    """Put a sign in the place of each control character, line break and lone surrogate."""
    if text.isprintable():  # nearly all are, and of an archive's thousands of names that is told in no time
        return text
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(one) in _UNPRINTABLE else one for one in text
    )
