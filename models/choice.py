"""Which of several initializations suits a support set: model ``auto``."""

from collections.abc import Callable, Iterable, Sequence

import torch
from PIL import Image
from torch import Tensor

from models.images.drawnness import drawnness
from models.initialization import Initialization
from models.support import Support
from models.support_geometry import SupportGeometry

AUTO = "auto"  # by which a caller leaves the choice to this module
_DRAWN = 0.78  # drawnness from which images count as drawings
_DOUBT = (0.65, 0.84)  # between these it is no proof
_LOOKED_AT = 16  # images whose drawnness is measured
_LEFT_OUT = 5  # examples a class, at most, that candidates are tried on
_MOST = 100  # examples in all


def choose(
    candidates: Sequence[Initialization], labels: Sequence[str], image: Callable[[int], Image.Image]
) -> Initialization:
    """Choose for a support set.

    Images that clearly are drawings, or photographs, go to an initialization of that kind. Where they are in
    doubt, or several are of that kind, the candidates are tried where every class has two examples: each example
    is told by the class means of all others. Without a second example, the kind nearer to the images decides,
    and then the order of the candidates.

    Args:
        candidates: at least one, in the order of preference.
        labels: of the support set's images, in an order that does not depend on the caller's.
        image: decodes one of them, by its place in that order; called only where it decides.
    """
    if len(candidates) == 1:
        return candidates[0]
    seen = drawnness(image(index) for index in range(0, len(labels), -(-len(labels) // _LOOKED_AT)))
    kind = "drawing" if seen >= _DRAWN else "photo"
    of_kind = [one for one in candidates if one.preprocessing.kind == kind]
    clear = not _DOUBT[0] < seen < _DOUBT[1]
    compared = of_kind if clear and of_kind else candidates
    tried = _tried(labels)
    if len(compared) > 1 and tried:
        of_tried = [labels[index] for index in tried]
        return min(compared, key=lambda one: left_out_error(one, of_tried, map(image, tried)))
    return (of_kind or candidates)[0]


def left_out_error(initialization: Initialization, labels: Sequence[str], images: Iterable[Image.Image]) -> float:
    """Mean probability of a wrong class for an example told by the class means of all others.

    Args:
        initialization: none of it is changed.
        labels: at least two of each.
        images: of these labels.
    """
    names = sorted(set(labels))
    pixels = initialization.preprocessing.many(images)
    support = Support.of_task(pixels, torch.tensor([names.index(label) for label in labels]))
    with torch.no_grad():
        geometry = SupportGeometry.of(_features(initialization, support), support)
    return float(geometry.left_out_error(initialization.confidence.expectation.sharpness))


def _features(initialization: Initialization, support: Support) -> Tensor:
    """Features ``[1, S, D]`` before any adaptation."""
    learner, phi = initialization.learner, initialization.phi
    if learner.keeps_features:
        return learner.embed(phi, support.images)
    return learner.features(learner.adapt(phi, support, steps=0), support.images)


def _tried(labels: Sequence[str]) -> list[int]:
    """Which examples candidates are tried on: the same number of each class; none where a class has only one."""
    places: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        places.setdefault(label, []).append(index)
    each = min(_LEFT_OUT, min(len(of_class) for of_class in places.values()))
    # Beyond a hundred examples two a class are enough, and of more than fifty classes the first fifty are.
    each = max(2, min(each, _MOST // len(places))) if each > 1 else 0
    chosen = list(places.values())[: _MOST // 2]
    return sorted(index for of_class in chosen for index in of_class[:each])
