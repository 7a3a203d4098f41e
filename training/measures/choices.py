"""Measures which initialization ``auto`` chooses for tasks of a data set, whose images may be shown changed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from models.choice import Examples, choose
from models.initialization import Initialization
from training.datasets.class_images import ClassImages
from training.measures.evaluation import sampler_of
from training.measures.image_looks import Look, show
from training.measures.measured import Protocol


def measure_choices(
    candidates: Mapping[str, Initialization], classes: ClassImages, protocol: Protocol, look: Look
) -> dict[str, float]:
    """Choose for each task's support set, and count the choices.

    Args:
        candidates: the initializations to choose among, by unique names (see ``called``).
        classes: images as ``whole_images`` keeps them.
        protocol: of the tasks; their queries are ignored.
        look: how the images are shown (see ``show``).

    Returns:
        The share of the tasks for which each candidate was chosen, by name.

    Raises:
        DataError: if classes or images do not suffice for the tasks.
    """
    sampler = sampler_of(classes, replace(protocol, queries=1))
    chosen: Counter[int] = Counter()
    for number in range(protocol.episodes):
        support = sampler.episodes([number]).support
        generator = np.random.default_rng((protocol.seed, number))
        images = [show((255 * levels).round().byte(), look, generator) for levels in support.images[0]]
        labels = [str(label) for label in support.labels[0].tolist()]
        chosen[id(choose(list(candidates.values()), Examples(labels, images.__getitem__)))] += 1
    return {name: chosen[id(one)] / protocol.episodes for name, one in candidates.items()}


def called(candidates: Sequence[Initialization]) -> dict[str, Initialization]:
    """Give candidates unique names: each its own, followed by its version if several share the name.

    Raises:
        ValueError: if one is given twice.
    """
    names = Counter(one.name for one in candidates)
    found = {one.name if names[one.name] == 1 else f"{one.name} {one.version}": one for one in candidates}
    if len(found) < len(candidates):
        twice = next(one for one in candidates if names[one.name] > 1)
        raise ValueError(f"{twice.name} {twice.version} is given twice: its tasks cannot be told apart")
    return found
