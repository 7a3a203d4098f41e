"""Splits of classes into training, validation and test, by a seed that anyone can repeat."""

import hashlib
from collections.abc import Iterable
from typing import Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def shuffled(names: Iterable[str], seed: int) -> list[str]:
    """Order names at random by a seed.

    Each name's place comes from a hash of the seed and itself, not from a generator's stream: the order is
    the same on every version of every library, and a name more or less leaves the others' order alone.
    """

    def place(name: str) -> bytes:
        # File names need not be valid UTF-8; Python carries their odd bytes as surrogates.
        return hashlib.sha256(f"{seed}/{name}".encode(errors="surrogateescape")).digest()

    return sorted(names, key=place)
