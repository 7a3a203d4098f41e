"""Finds classes that a tree holds several times, because folders divide the images of each class into splits.

If each of these folders counted as a class, a class could be trained on and also count as unseen.
"""

import re
from collections.abc import Iterable

_WORDS = {
    *("train", "training", "trainset", "trainval", "test", "testing", "testset"),
    *("val", "valid", "validation", "valset", "eval", "evaluation", "dev"),
}
_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^A-Za-z]+")


def parted(names: Iterable[str]) -> list[tuple[str, ...]]:
    """For each class that occurs several times, its paths: they differ only in words such as train and test.

    The last folder's name alone does not identify a class: every alphabet may have a ``character01``. A path that
    consists of such words only is a class of that name: ``train`` may be a vehicle.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        components = (_without_words(component) for component in name.split("/"))
        if left := tuple(component for component in components if component):
            found.setdefault(left, []).append(name)
    return [tuple(alike) for alike in found.values() if len(alike) > 1]


def _without_words(component: str) -> str:
    """A folder's name with ``*`` for each such word; "" if nothing else but punctuation is left."""
    pieces = _PIECES.findall(component)
    others = [piece for piece in pieces if piece.lower() not in _WORDS]
    if len(others) < len(pieces) and not any(char.isalnum() for char in "".join(others)):
        return ""
    return "".join("*" if piece.lower() in _WORDS else piece for piece in pieces)
