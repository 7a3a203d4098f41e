"""Support examples of kept classifiers: stored ones, new ones, and what a change makes of a task's."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from service.settings import MOST_PIXELS
from service.uploads.images import Example


@dataclass(frozen=True)
class StoredExample:
    """A support example without its bytes."""

    id: str
    label: str
    filename: str
    sha256: str

    def whole(self, content: bytes) -> Example:
        """The example as it was given, with its bytes; a limit of pixels that is tighter by now is not for it."""
        return Example(self.filename, content, MOST_PIXELS, label=self.label)


class NewExample(NamedTuple):
    """An example about to be stored, under an id of its own."""

    id: str
    given: Example

    @classmethod
    def of(cls, example: Example) -> "NewExample":
        """Give an example an id."""
        return cls(uuid.uuid4().hex, example)


Revise = Callable[[Sequence[StoredExample]], Sequence[StoredExample]]  # gives those that stay, as they shall be


@dataclass(frozen=True)
class Revision:
    """A change of a task's examples.

    Attributes:
        added: those that come.
        removed: ids of those that go.
        moved: new labels of those that go to another class, by their ids.
        kept: those that stay, with the labels that they shall have.
    """

    added: Sequence[NewExample] = ()
    removed: Sequence[str] = ()
    moved: Mapping[str, str] = field(default_factory=dict)
    kept: Sequence[StoredExample] = ()

    @classmethod
    def of(cls, stored: Sequence[StoredExample], revise: Revise, added: Sequence[NewExample]) -> Self:
        """Work out what a change comes to for the examples that are stored."""
        kept = revise(stored)
        before, after = ({one.id: one.label for one in some} for some in (stored, kept))
        moved = {identity: label for identity, label in after.items() if label != before[identity]}
        return cls(added, sorted(before.keys() - after.keys()), moved, kept)

    @property
    def changes(self) -> bool:
        """Whether it changes anything."""
        return bool(self.added or self.removed or self.moved)

    @property
    def labels(self) -> list[str]:
        """The labels of all examples after it."""
        return [one.label for one in self.kept] + [one.given.label for one in self.added]
