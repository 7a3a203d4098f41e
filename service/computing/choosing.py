"""Chooses the initialization for a support set, and anew for a changed task: that which a fresh one would get."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from PIL import Image
from torch import Tensor

from models import choice
from models.initialization import Initialization
from service.computing.adaptations import Adaptations
from service.computing.caches import BoundedCache
from service.computing.classifier import Check
from service.computing.fitting import Shot
from service.computing.preparation import shots_of
from service.registry import Registry
from service.store.examples import NewExample, StoredExample
from service.store.task_store import Task, TaskStore
from service.uploads.images import Example

OneExample = TypeVar("OneExample", bound="Example | StoredExample")
_MOST_LOOKED_AT = 48 * 1024**2  # bytes: sixteen photos of phones, in that part of their size which is decoded
_MOST_LOOKS = 100_000  # remembered: some twenty megabytes


def prepare_support(
    registry: Registry, model: str, examples: Sequence[tuple[str | None, Example]], check: Check
) -> tuple[Initialization, list[Shot]]:
    """Choose the initialization for a support set, and prepare its examples.

    Args:
        registry: offers the candidates.
        model: a candidate's name, or ``auto``.
        examples: pairs of stored id (or None) and example.
        check: called before each image; what it raises ends the work.

    Raises:
        Problem: 422 for an unknown name, 503 if none is offered, or naming an image that cannot be decoded.
    """
    candidates = registry.candidates(model)
    if len(candidates) == 1:
        return candidates[0], shots_of(candidates[0], examples, check)  # without looking at any twice
    different, looked_at = in_order(example for _, example in examples), _LookedAt()

    def image(index: int) -> Image.Image:
        check()
        return looked_at.look(different[index])

    chosen = choice.choose(candidates, choice.Examples([one.label for one in different], image))
    return chosen, shots_of(chosen, examples, check, looked_at.take)


class _LookedAt:
    """Decoded images that a choice looked at, for the preparation that follows: decoding is most of either."""

    def __init__(self) -> None:
        self._images: dict[str, Image.Image] = {}
        self._left = _MOST_LOOKED_AT

    def look(self, example: Example) -> Image.Image:
        """Decode an example, or give it as decoded before."""
        image = self._images.get(example.sha256)
        if image is None:
            image = example.image
            size = image.width * image.height * len(image.getbands())
            if size <= self._left:
                self._images[example.sha256] = image
                self._left -= size
        return image

    def take(self, example: Example) -> Image.Image:
        """Give an example decoded, and keep it no longer."""
        return self._images.pop(example.sha256, None) or example.image


def in_order(examples: Iterable[OneExample]) -> list[OneExample]:
    """Give the different examples, as a copy cannot test a candidate, in an order that no caller decides."""
    different = {(one.sha256, one.label): one for one in examples}
    return [different[key] for key in sorted(different)]  # labels count where classes share an image


class ExampleGone(Exception):
    """A stored example has been deleted meanwhile: its task has changed."""


class Rechoosing:
    """Chooses for stored and new examples, and remembers by their sha256 how much images look drawn.

    Otherwise, each change would decode up to sixteen stored images again. Their features, where candidates are
    compared by them, are remembered by ``Adaptations``.
    """

    def __init__(self, registry: Registry, tasks: TaskStore, adaptations: Adaptations) -> None:
        self._registry = registry
        self._tasks = tasks
        self._adaptations = adaptations
        self._looks: BoundedCache[str, float] = BoundedCache(_MOST_LOOKS, lambda _: 1)

    def choose(
        self, task: Task, stored: Sequence[StoredExample], added: Sequence[NewExample], check: Check
    ) -> Initialization:
        """Choose for a task whose initialization ``auto`` chose; of the same name, it stays the same version.

        Raises:
            Problem: 503 if none is offered, 504 past the deadline, or naming an image that cannot be decoded.
            ExampleGone: if a stored example is gone.
        """
        candidates = self._registry.candidates_again(task.model, task.model_version)
        if len(candidates) == 1:
            return candidates[0]  # without reading the files for their sha256
        given: list[StoredExample | Example] = [*stored, *(one.given for one in added)]
        different = in_order(given)

        def example(index: int) -> Example:
            check()
            one = different[index]
            return one if isinstance(one, Example) else self._read(one)

        known = _Known(
            labels=[one.label for one in different],
            image=lambda index: example(index).image,
            digests=[one.sha256 for one in different],
            example=example,
            looks=self._looks,
            adaptations=self._adaptations,
            check=check,
        )
        return choice.choose(candidates, known)

    def _read(self, one: StoredExample) -> Example:
        for _, content in self._tasks.contents([one.id]):
            return one.whole(content)
        raise ExampleGone


@dataclass(frozen=True)
class _Known(choice.Examples):
    """Examples of which much may be known from earlier choices and fits."""

    digests: Sequence[str]
    example: Callable[[int], Example]
    looks: BoundedCache[str, float]
    adaptations: Adaptations
    check: Check

    def drawnness(self, indices: Sequence[int]) -> list[float]:
        found = {index: self.looks.get(self.digests[index]) for index in indices}
        new = [index for index, look in found.items() if look is None]
        for index, look in zip(new, super().drawnness(new), strict=True):
            self.looks.put(self.digests[index], look)
            found[index] = look
        return [look for look in found.values() if look is not None]

    def features(self, initialization: Initialization, indices: Sequence[int]) -> Tensor:
        if not initialization.learner.keeps_features:
            return super().features(initialization, indices)
        found = {index: self.adaptations.kept(initialization, self.digests[index]) for index in indices}
        new = [index for index, shot in found.items() if shot is None]
        shots = shots_of(initialization, ((None, self.example(index)) for index in new), self.check)
        found |= zip(new, self.adaptations.embedded(initialization, shots, self.check), strict=True)
        return torch.stack([shot.input for shot in found.values() if shot is not None])
