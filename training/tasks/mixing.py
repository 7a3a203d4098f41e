"""Tasks of classes that are not there: each a mixture of two classes of the data set."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from training.datasets.class_images import ClassImages, DataError
from training.hashed_noise import Floats, uniform
from training.tasks.distinct_draws import Integers, distinct, whole
from training.tasks.episodes import EpisodeBatch

_STREAM = 1  # apart from the numbers that the episode itself is drawn by


class ClassMixing:
    """Turns a share of the tasks into tasks of mixed classes (Yao et al. 2022, MLTI, tasks of different labels).

    Each class of such a task is mixed with a class that is not in the task: an image with one of the other, as
    ``c * image + (1 - c) * other`` (Zhang et al. 2018, eq. 1). The other class and c, of Beta(2, 2) as in MLTI,
    are drawn once a class, for support and query alike, so that all images of a mixture are of one new class,
    whose label is hard. MLTI draws c once a task and mixes layers or cuts out rectangles; pixels are mixed
    here, so that any backbone and head can learn from it. A task is mixed as a whole: beside plain classes,
    mixed ones would be told by being blurred.

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
            ValueError: for a share outside of 0..1.
            DataError: where tasks leave no class to mix with.
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
        """Mix tasks.

        Args:
            batch: T tasks of the same number of ways, images in 0..1.
            numbers: of the tasks, which decide all draws.

        Returns:
            The same tasks and labels, some with mixed images. A mixture has a number of its own, past the data
            set's, in ``class_ids``; its places still name the images of the class that the task was drawn with.
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
    """Draw classes ``[T, N]`` evenly among those that are not in their row of ``taken`` ``[T, N]``."""
    drawn = whole(chance, classes - taken.shape[1])
    for one in np.sort(taken, axis=1).T:
        drawn += drawn >= one[:, None]
    return drawn


def _beta(chance: Floats) -> Floats:
    """Turn numbers in [0, 1) into draws of Beta(2, 2), whose distribution function 3 c^2 - 2 c^3 this inverts."""
    result: Floats = 0.5 - np.sin(np.arcsin(1 - 2 * chance) / 3)
    return result
