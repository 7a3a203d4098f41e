"""Tasks of new classes, each a mixture of two classes of the data set."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from training.datasets.class_images import ClassImages, DataError
from training.hashed_noise import Floats, uniform
from training.tasks.distinct_draws import Integers, distinct, whole
from training.tasks.episode_batch import EpisodeBatch

_STREAM = 1  # keeps these numbers independent of those that draw the episode itself


class ClassMixing:
    """Turns a share of the tasks into tasks of mixed classes (Yao et al. 2022, MLTI, tasks of different labels).

    Each class of such a task is mixed with a class outside the task, image by image, as
    ``c * image + (1 - c) * other`` (Zhang et al. 2018, eq. 1). The other class and c, from Beta(2, 2) as in MLTI,
    are drawn once per class, for support and query alike, so that all images of a mixture belong to one new class
    with a hard label. MLTI draws c once per task and mixes layers or cuts out rectangles; here pixels are mixed,
    so that any backbone and head can learn from it. A task is mixed as a whole: beside plain classes, mixed ones
    would be recognised by their blur.

    What a task draws is a function of the seed and its number, as in ``EpisodeSampler``.
    """

    def __init__(self, data: ClassImages, *, share: float, seed: int, ways: int) -> None:
        """Check that there is something to mix with.

        Args:
            data: the classes that the tasks are drawn from.
            share: of the tasks, in 0..1; 0 leaves all as they are.
            seed: of all draws.
            ways: classes of a task.

        Raises:
            ValueError: if the share is outside 0..1.
            DataError: if tasks leave no other class to mix with.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"episodes.mixing is a share of the tasks, in 0..1, not {share}")
        if share > 0 and len(data) <= ways:
            raise DataError(
                f"episodes.mixing mixes the {ways} classes of a task with others, but there are {len(data)} in "
                "all; lower episodes.ways or set episodes.mixing to 0"
            )
        self._data, self._share, self._seed = data, share, seed
        self._offsets, self._counts = data.offsets.numpy(), data.counts.numpy()

    def __call__(self, batch: EpisodeBatch, numbers: Sequence[int]) -> EpisodeBatch:
        """Mix the classes of some tasks.

        Args:
            batch: T tasks, all of the same number of ways, images in 0..1.
            numbers: of the tasks, which determine all draws.

        Returns:
            The same tasks and labels, some with mixed images. In ``class_ids`` each mixture has its own number,
            past those of the data set; its places still name the images of the class drawn for the task.
        """
        if self._share == 0:
            return batch
        tasks, ways = batch.class_ids.shape
        shots, queries = batch.support.labels.shape[1] // ways, batch.query_labels.shape[1] // ways
        each = shots + queries
        places = np.array([(self._seed, number, _STREAM) for number in numbers], dtype=np.int64)
        of_task, per_class = np.split(uniform(places, 1 + ways * (2 + 2 * each)), [1], axis=1)
        chosen = of_task[:, 0] < self._share
        if not chosen.any():
            return batch
        per_class = per_class.reshape(tasks, ways, -1)[chosen]
        partners = _outside(per_class[:, :, 0], batch.class_ids.numpy()[chosen], len(self._data))
        weight = torch.from_numpy(_beta(per_class[:, :, 1])).float()
        drawn = distinct(
            per_class[:, :, 2:].reshape(-1, 2 * each),
            self._counts[partners].ravel(),
            np.full(partners.size, each),
        ).reshape(*partners.shape, each)
        others = torch.from_numpy(drawn + self._offsets[partners][..., None])
        mixed = torch.from_numpy(chosen)

        def mix(images: Tensor, others: Tensor, there: Tensor | float) -> Tensor:
            share = weight.repeat_interleave(others.shape[2], 1)[..., None, None, None].to(images)
            other = self._data.images[others.flatten(1)].to(images.device).float().div_(255) * there
            result = images.clone()
            result[mixed] = share * images[mixed] + (1 - share) * other
            return result

        of_support = batch.support.weights[mixed][..., None, None, None].to(batch.query_images)
        support = replace(batch.support, images=mix(batch.support.images, others[..., queries:], of_support))
        own = len(self._data) + torch.arange(tasks * ways).reshape(tasks, ways)
        return replace(
            batch,
            support=support,
            query_images=mix(batch.query_images, others[..., :queries], 1.0),
            class_ids=torch.where(mixed[:, None], own, batch.class_ids),
        )


def _outside(chance: Floats, taken: Integers, classes: int) -> Integers:
    """Draw classes ``[T, N]`` uniformly from those not in their row of ``taken`` ``[T, N]``."""
    drawn = whole(chance, classes - taken.shape[1])
    for one in np.sort(taken, axis=1).T:
        drawn += drawn >= one[:, None]
    return drawn


def _beta(chance: Floats) -> Floats:
    """Turn numbers in [0, 1) into draws from Beta(2, 2), by inverting its distribution function 3 c^2 - 2 c^3."""
    result: Floats = 0.5 - np.sin(np.arcsin(1 - 2 * chance) / 3)
    return result
