"""Chooses the initialization that suits a support set: the model ``auto``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from PIL import Image
from torch import Tensor

from models.images.drawnness import EMPTY, drawnness
from models.initialization import Initialization
from models.support import Support
from models.support_geometry import SupportGeometry

AUTO = "auto"  # the name by which a caller leaves the choice to this module
_DRAWN = 0.78  # mean drawnness from which images count as drawings
_DOUBT = (0.65, 0.84)  # a mean drawnness between these proves nothing
_LOOKED_AT = 16  # at most so many images have their drawnness measured
_LEFT_OUT = 5  # at most so many examples of each class test the candidates
_MOST = 100  # at most so many examples in all test the candidates


@dataclass(frozen=True)
class Examples:
    """The examples of a support set by their indices, and what a choice may find out about them.

    Attributes:
        labels: of the examples, in an order that does not depend on the caller's.
        image: decodes the image at an index into ``labels``; called only for images that the choice needs.
    """

    labels: Sequence[str]
    image: Callable[[int], Image.Image]

    def drawnness(self, indices: Sequence[int]) -> list[float]:
        """How much each of the images looks like a drawing."""
        return drawnness(map(self.image, indices))

    def features(self, initialization: Initialization, indices: Sequence[int]) -> Tensor:
        """Features ``[S, D]`` of the images, of at least two classes, before any adaptation."""
        learner, phi = initialization.learner, initialization.phi
        pixels = self.pixels(initialization, indices)
        if learner.keeps_features:
            return initialization.embedding(pixels)
        support = Support.of_task(pixels, self.numbers(indices))
        return learner.features(learner.adapt(phi, support, steps=0), support.images)[0]

    def pixels(self, initialization: Initialization, indices: Sequence[int]) -> Tensor:
        """The images as an initialization's learner sees them, ``[S, C, H, W]``."""
        return initialization.preprocessing.many(map(self.image, indices))

    def numbers(self, indices: Sequence[int]) -> Tensor:
        """The examples' labels as numbers from 0, int64 ``[S]``."""
        labels = [self.labels[index] for index in indices]
        names = sorted(set(labels))
        return torch.tensor([names.index(label) for label in labels])


def choose(candidates: Sequence[Initialization], examples: Examples) -> Initialization:
    """Choose the initialization that suits a support set.

    Images that are clearly drawings, or clearly photographs, go to an initialization of that kind. If the kind is
    in doubt, or several candidates are of that kind, the one with the lowest ``left_out_error`` is taken; this
    needs two examples of every class. If a class has only one, the first candidate of the likelier kind is taken,
    or the first of all if none is of that kind. If each image is of one tone, as pieces of cloth are, the kind is
    in doubt, and a candidate whose preprocessing makes them all the same is left out.

    Args:
        candidates: at least one, in order of preference.
        examples: of at least two classes.
    """
    if len(candidates) == 1:
        return candidates[0]
    labels = examples.labels
    looked_at = range(0, len(labels), -(-len(labels) // _LOOKED_AT))
    seen = fmean(examples.drawnness(looked_at))
    if seen == EMPTY:  # they may still be drawings, in lines too thin for so brief a look
        candidates = [one for one in candidates if _differ(examples.pixels(one, looked_at))] or candidates
    kind = "drawing" if seen >= _DRAWN else "photo"
    of_kind = [one for one in candidates if one.preprocessing.kind == kind]
    clear = not _DOUBT[0] < seen < _DOUBT[1] and seen != EMPTY
    compared = of_kind if clear and of_kind else candidates
    tried = _tried(labels)
    if len(compared) > 1 and tried:
        return min(compared, key=lambda one: left_out_error(one, examples, tried))
    return (of_kind or candidates)[0]


def left_out_error(initialization: Initialization, examples: Examples, tried: Sequence[int]) -> float:
    """Mean probability of a wrong class when each example is left out of the class means that classify it.

    Args:
        initialization: only read.
        examples: of a support set.
        tried: indices of those to classify and to take the means of, at least two of each class.
    """
    with torch.no_grad():
        features = examples.features(initialization, tried)
        support = Support.of_task(features[:, :0, None, None], examples.numbers(tried))
        geometry = SupportGeometry.of(features[None], support)
    return float(geometry.left_out_error(initialization.confidence.expectation.sharpness))


def _differ(pixels: Tensor) -> bool:
    return bool((pixels != pixels[0]).any())


def _tried(labels: Sequence[str]) -> list[int]:
    """Indices of the examples that test the candidates, equally many a class; none if a class has only one."""
    places: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        places.setdefault(label, []).append(index)
    each = min(_LEFT_OUT, min(len(of_class) for of_class in places.values()))
    # To keep to `_MOST` examples, take fewer of each class, but at least two, and only the first fifty classes.
    each = max(2, min(each, _MOST // len(places))) if each > 1 else 0
    chosen = list(places.values())[: _MOST // 2]
    return sorted(index for of_class in chosen for index in of_class[:each])
