"""Images grouped by class, in memory, from which episodes are drawn."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from training.first_ones import first_ones


class DataError(ValueError):
    """A data set cannot be used as it is; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class ClassImages:
    """The images of K classes, already preprocessed to 8-bit levels.

    Attributes:
        images: uint8 ``[M, C, side, side]``, class after class; level v stands for v / 255.
        offsets: int64 ``[K + 1]``; class k's images are ``images[offsets[k]:offsets[k + 1]]``.
        classes: K different names, e.g. ``Greek/character03``.
        groups: for each class, the name of what it belongs to (alphabet, parent folder; "" for nothing).
    """

    images: Tensor
    offsets: Tensor
    classes: tuple[str, ...]
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise ValueError for parts that do not fit together."""
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise ValueError(
                f"images must be uint8 [M, C, side, side], not {self.images.dtype} {list(self.images.shape)}"
            )
        if len(self.groups) != len(self.classes) or self.offsets.shape != (len(self.classes) + 1,):
            raise ValueError(
                f"{len(self.classes)} classes need as many groups and one offset more, got "
                f"{len(self.groups)} and {list(self.offsets.shape)}"
            )
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("two classes have the same name")
        ends = (int(self.offsets[0]), int(self.offsets[-1]))
        if ends != (0, len(self.images)) or bool((self.counts < 1).any()):
            raise ValueError("offsets must rise from 0 to the number of images")

    def __len__(self) -> int:
        """K, the number of classes."""
        return len(self.classes)

    @property
    def counts(self) -> Tensor:
        """How many images each class has, int64 ``[K]``."""
        return self.offsets.diff()

    def fewer_than(self, images: int) -> str:
        """Word which classes have fewer than ``images`` images, and how many they have; empty if none has."""
        poor = [(self.classes[index], int(self.counts[index])) for index in (self.counts < images).nonzero()]
        if len(poor) == 1:
            return f"{poor[0][0]!r} has {poor[0][1]}"
        named = first_ones([f"{name!r} ({has})" for name, has in poor])
        return f"{len(poor)} of {len(self)} have fewer: {named}" if poor else ""

    @cached_property
    def digest(self) -> str:
        """The sha256 of names, groups and images, which tells whether a later run has the same data."""
        found = hashlib.sha256(self._outline)
        found.update(self.images.contiguous().numpy().data)
        return found.hexdigest()

    @property
    def outline(self) -> str:
        """The sha256 of names, groups and numbers of images, which no preprocessing changes."""
        return hashlib.sha256(self._outline).hexdigest()

    @property
    def _outline(self) -> bytes:
        return json.dumps([self.classes, self.groups, self.offsets.tolist()]).encode()

    def of_class(self, index: int) -> Tensor:
        """The images of one class, uint8 ``[n, C, side, side]``, as a view."""
        return self.images[self.offsets[index] : self.offsets[index + 1]]

    def subset(self, indices: Sequence[int]) -> Self:
        """Copy the classes of these indices, in this order.

        Raises:
            ValueError: if there is none, or an index occurs twice.
        """
        if not indices:
            raise ValueError("a subset needs at least one class")
        chosen = [self.of_class(index) for index in indices]
        return type(self)(
            images=torch.cat(chosen),
            offsets=torch.tensor([0, *(len(images) for images in chosen)]).cumsum(0),
            classes=tuple(self.classes[index] for index in indices),
            groups=tuple(self.groups[index] for index in indices),
        )
