"""Finds classes that a tree holds twice, because folders of its paths part each class's images into splits.

To divide such a tree by its folders would train on a class and count it as unseen as well.
"""

import re
from collections.abc import Iterable

_WORDS = {
    *("train", "training", "trainset", "trainval", "test", "testing", "testset"),
    *("val", "valid", "validation", "valset", "eval", "evaluation", "dev"),
}
_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^A-Za-z]+")


def parted(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Paths that are the same but for words such as train and test, of each class that has several.

    A leaf's name is not enough: every alphabet may have a ``character01``. And a path of nothing but such words,
    as ``train`` or ``test``, is a class of that name (of vehicles, say).
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        components = (_without_words(component) for component in name.split("/"))
        if left := tuple(component for component in components if component):
            found.setdefault(left, []).append(name)
    return [tuple(alike) for alike in found.values() if len(alike) > 1]


def _without_words(component: str) -> str:
    """A folder's name with a mark in place of each such word; "" where but for signs it is nothing else."""
    pieces = _PIECES.findall(component)
    others = [piece for piece in pieces if piece.lower() not in _WORDS]
    if len(others) < len(pieces) and not any(char.isalnum() for char in "".join(others)):
        return ""
    return "".join("*" if piece.lower() in _WORDS else piece for piece in pieces)
