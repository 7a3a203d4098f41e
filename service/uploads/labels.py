"""Labels and other short texts that callers choose."""

import unicodedata
from typing import Any

from service.problems import Problem

MAX_CHARACTERS = 100
_TOLD = 30  # characters shown of one that is refused, by which its caller finds it
_LONGEST_SPELLING = 4 * MAX_CHARACTERS  # at most four code points compose one character
# Control characters, lone surrogates, and separators that end a line for some readers.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_UNSEEN = frozenset({"Cf", "Zs"})
_DOTS = frozenset({".", ".."})


def clean_label(label: Any, *, field: str, file: str | None = None) -> str:
    """Clean a label as ``clean_text`` does; it must be fit for an address: ``DELETE .../classes/{label}``.

    Clients remove ``.`` and ``..`` from addresses before they send them (RFC 3986, 5.2.4), even if quoted: a
    class of such a name could not be reached, and the request would go to another address.

    Raises:
        Problem: 422 as ``clean_text``, and for a label with a part between slashes that is ``.`` or ``..``.
    """
    clean = clean_text(label, field=field, what="label", file=file)
    if not _DOTS.isdisjoint(clean.split("/")):
        detail = f"the label {clean!r} has a part '.' or '..', which no address keeps; choose another name"
        raise Problem(422, detail, title="Unusable label", file=file, field=field)
    return clean


def clean_text(text: Any, *, field: str, what: str, file: str | None = None) -> str:
    """Check a text, and give it in canonical Unicode (NFC) without surrounding blanks.

    Args:
        text: what came, of any type.
        field: the field that it came in, for problems.
        what: what it is, such as "label", for problems.
        file: the name of the image that it belongs to, for problems.

    Raises:
        Problem: 422 for one that is missing, no text, blank, too long, or with control characters.
    """

    def refuse(why: str) -> Problem:
        return Problem(422, f"the {what} {why}", title=f"Unusable {what}", file=file, field=field)

    if not isinstance(text, str):
        raise refuse("is missing; give one" if text is None else "is not a text; put it in quotes")
    clean = canonical(text)
    if len(clean) > MAX_CHARACTERS:
        raise refuse(f"{_quoted(clean)} has {len(clean)} characters, {MAX_CHARACTERS} are allowed")
    if all(unicodedata.category(character) in _UNSEEN for character in clean):
        raise refuse("is blank; give it a character that shows")
    if any(unicodedata.category(character) in _UNPRINTABLE for character in clean):
        raise refuse(f"{_quoted(clean)} holds control characters or line breaks; leave them out")
    return clean


def _quoted(text: str) -> str:
    return f"{one_line(text[:_TOLD])!r}{'...' if len(text) > _TOLD else ''}"


def canonical(text: str) -> str:
    """Give a text in canonical Unicode (NFC) without surrounding blanks; if far too long, only stripped."""
    stripped = text.strip()
    # Ordering a run of combining marks takes quadratic time: seconds for a hundred thousand.
    return stripped if len(stripped) > _LONGEST_SPELLING else unicodedata.normalize("NFC", stripped)


def printable(name: str) -> str:
    """Make a file name fit for logs, JSON and tables: one line (see ``one_line``) of its last 255 characters.

    All else stays, so that callers recognise their names in the answer.
    """
    return one_line(name[-255:])


def one_line(text: str) -> str:
    """Replace each control character, line break and lone surrogate by U+FFFD."""
    if text.isprintable():  # quick, as nearly all of an archive's thousands of names are
        return text
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(one) in _UNPRINTABLE else one for one in text
    )
