"""Classes that are one and the same, for tasks that nobody can solve: random parts of each class.

Classes of a data set differ, so their tasks never show what a task looks like whose classes cannot be told apart,
such as breeds that look the same to the network, or examples with wrong labels.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from training.datasets.class_images import ClassImages

_PARTS = 5  # of each class, if each gets three images
# Of a part where there are fewer: in tasks of 2 and 3 shots, examples can be left out. Of 10 images, parts of 2
# show no such tasks, and estimates were 0.6 where 0.2 was right; with parts of 4, they were 0.3.
_FEW = 4


def number_of_parts(classes: ClassImages) -> int:
    """Into how many parts each class is divided: five or, of fewer than 15 images, as many as get 4; 0 if one."""
    fewest = int(classes.counts.min())
    parts = _PARTS if fewest >= 3 * _PARTS else fewest // _FEW
    return parts if parts > 1 else 0


def in_parts(classes: ClassImages, seed: int) -> tuple[ClassImages, Tensor] | None:
    """Divide each class at random into ``number_of_parts`` classes of as many images, which form a group.

    Args:
        classes: whose groups are ignored.
        seed: of the division.

    Returns:
        The parts, and the places of their images among those of ``classes``, int64 ``[M]``; None if some class
        has too few images for two parts.
    """
    if not (parts := number_of_parts(classes)):
        return None
    generator = torch.Generator().manual_seed(seed)
    places, names, groups, sizes = [], [], [], []
    for index, (name, count) in enumerate(zip(classes.classes, classes.counts.tolist(), strict=True)):
        shuffled = torch.randperm(count, generator=generator) + classes.offsets[index]
        size = count // parts
        places.append(shuffled[: parts * size])
        names += [f"{name}, part {part}" for part in range(parts)]
        groups += [name] * parts
        sizes += [size] * parts
    chosen = torch.cat(places)
    offsets = torch.tensor([0, *sizes]).cumsum(0)
    return ClassImages(classes.images[chosen], offsets, tuple(names), tuple(groups)), chosen


def in_pairs(parts: ClassImages) -> ClassImages:
    """Join the groups of ``in_parts`` two by two, so that only some of a task's classes are one and the same."""
    names = list(dict.fromkeys(parts.groups))
    joined = {name: names[index - index % 2] for index, name in enumerate(names)}
    return ClassImages(parts.images, parts.offsets, parts.classes, tuple(joined[name] for name in parts.groups))


def of_each(
    classes: ClassImages, features: Tensor | None, seed: int
) -> Iterator[tuple[ClassImages, Tensor | None]]:
    """Yield classes with their images' features: those of a group are all one and the same, and then some are.

    Args:
        classes: to divide.
        features: of their images, ``[M, D]``. If they are known, nothing looks at pixels, and none are copied.
        seed: of the division.
    """
    found = in_parts(classes if features is None else _without_pixels(classes), seed)
    if found is not None:
        parts, places = found
        for some in (parts, in_pairs(parts)) if len(classes) > 1 else (parts,):
            yield some, None if features is None else features[places]


def _without_pixels(classes: ClassImages) -> ClassImages:
    return replace(classes, images=classes.images[..., :1, :1])
