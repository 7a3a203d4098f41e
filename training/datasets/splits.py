"""Splits of classes into training, validation and test, reproducible from a seed."""

import hashlib
from collections.abc import Iterable
from typing import Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def shuffled(names: Iterable[str], seed: int) -> list[str]:
    """Put names in a random order given by a seed.

    Names are sorted by a hash of the seed and the name, not drawn from a generator's stream: the order is the
    same on every version of every library, and adding or removing a name does not change that of the others.
    """

    def place(name: str) -> bytes:
        # File names need not be valid UTF-8; Python carries their odd bytes as surrogates.
        return hashlib.sha256(f"{seed}/{name}".encode(errors="surrogateescape")).digest()

    return sorted(names, key=place)
