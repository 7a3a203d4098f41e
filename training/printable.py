"""Names of classes and files as text on one line, whatever characters they have."""

import unicodedata

_ESCAPED = frozenset({"Cc", "Zl", "Zp", "Cs"})  # control characters, breaks of lines, and bytes that are no UTF-8


def printable(name: str) -> str:
    r"""Escape what would break the line or steer the terminal, as in ``a\tb``; all other characters stay."""
    if name.isprintable():
        return name
    return "".join(_escaped(one) if unicodedata.category(one) in _ESCAPED else one for one in name)


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode()
