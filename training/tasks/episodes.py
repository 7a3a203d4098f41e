"""Few-shot tasks drawn from a data set by seed: episode e is a function of the seed and e alone."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.support import Support
from training.datasets.class_images import ClassImages, DataError
from training.hashed_noise import Floats, uniform
from training.tasks.distinct_draws import Integers, distinct, whole
from training.tasks.episode_batch import EpisodeBatch

Range = int | tuple[int, int]  # a number, or the lowest and the highest, both included


class EpisodeSampler:
    """Draws episodes: classes without replacement, and different images for support and query.

    No state is kept between calls, so a resumed run sees the same episodes as an uninterrupted one, and an
    evaluation sees the same ones whatever the number of tasks it takes at once.
    """

    def __init__(
        self,
        data: ClassImages,
        *,
        ways: Range,
        shots: Range,
        queries: int,
        seed: int,
        within_group: float = 0.0,
        ragged: bool = False,
        same_drawers: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        """Check that the data suffice for every episode.

        Args:
            data: the classes of one split.
            ways: classes of an episode; from a range, each episode draws its own number.
            shots: support examples of a class; from a range, each episode draws its own number.
            queries: query examples of a class.
            seed: of all episodes.
            within_group: share of the episodes whose classes all come from one group; the group is drawn
                uniformly from those with enough classes.
            ragged: with a range of shots, let each class of an episode draw its own number.
            same_drawers: take images of the same indices from each class of an episode. Where a class's n-th
                image is by its group's n-th drawer, each of these drew one example, or one query, of each class.
            device: of the images; everything else in an episode is on the CPU.

        Raises:
            DataError: if classes, groups or images do not suffice; the message has the numbers.
            ValueError: if an argument is out of its range.
        """
        self._images, self._device = data.images, torch.device(device)
        self._offsets = data.offsets.numpy()
        self._counts = data.counts.numpy()
        self._low_ways, self._ways = _bounds("ways", ways, at_least=2)
        self._low_shots, self._shots = _bounds("shots", shots, at_least=1)
        if queries < 1 or not 0 <= within_group <= 1 or seed < 0:
            raise ValueError(
                "queries must be at least 1, the seed not negative and within_group in 0..1, "
                f"got {queries}, {seed} and {within_group}"
            )
        self._queries, self._seed, self._ragged = queries, seed, ragged
        self._within_group, self._same_drawers = float(within_group), same_drawers
        # The pools to draw classes from: each group, the largest first, and then all classes together.
        members: dict[str, list[int]] = {}
        for index, group in enumerate(data.groups):
            members.setdefault(group, []).append(index)
        pools = sorted(members.values(), key=len, reverse=True)
        self._group_sizes = np.array([len(pool) for pool in pools], dtype=np.int64)
        self._pool_sizes = np.append(self._group_sizes, len(data))
        self._pool_starts = np.append(0, self._pool_sizes.cumsum()[:-1])
        self._pooled = np.array([index for pool in pools for index in pool] + list(range(len(data))))
        self._check(data)

    def batch(self, index: int, tasks: int) -> EpisodeBatch:
        """Draw the episodes ``index * tasks`` to ``index * tasks + tasks - 1``."""
        return self.episodes(range(index * tasks, (index + 1) * tasks))

    def episodes(self, numbers: Sequence[int]) -> EpisodeBatch:
        """Draw the episodes of these numbers: T of them, padded to the most ways and shots."""
        tasks = len(numbers)
        scalars, of_classes, per_class = np.split(self._chances(numbers), [4, 4 + 2 * self._ways], axis=1)
        ways = self._low_ways + whole(scalars[:, 0], self._ways - self._low_ways + 1)
        class_ids = self._classes(ways, scalars[:, 1], scalars[:, 2], of_classes)
        used = class_ids >= 0  # [T, N]
        per_class = per_class.reshape(tasks, self._ways, -1)
        if self._same_drawers:
            per_class = per_class[:, :1].repeat(self._ways, 1)
        of_shots = per_class[:, :, 0] if self._ragged else scalars[:, 3:4].repeat(self._ways, 1)
        shots = self._low_shots + whole(of_shots, self._shots - self._low_shots + 1)
        drawn = distinct(
            per_class[:, :, 1:].reshape(tasks * self._ways, -1),
            self._counts[class_ids].ravel(),
            (shots + self._queries).ravel(),
        )
        # Draws of a row are in random order: the first are its queries, however many shots it has.
        places = drawn.reshape(tasks, self._ways, -1) + self._offsets[class_ids][..., None]
        slots = np.arange(self._shots + self._queries)
        valid = (slots < (shots + self._queries)[..., None]) & used[..., None]
        query_places, query_images, query_labels, query_weights = self._gather(
            places[..., : self._queries], valid[..., : self._queries]
        )
        chosen, images, labels, weights = self._gather(places[..., self._queries :], valid[..., self._queries :])
        return EpisodeBatch(
            support=Support(images, labels, weights, torch.from_numpy(ways)),
            query_images=query_images,
            query_labels=query_labels,
            query_weights=query_weights,
            class_ids=torch.from_numpy(class_ids),
            support_places=chosen,
            query_places=query_places,
        )

    def _chances(self, numbers: Sequence[int]) -> Floats:
        """The independent numbers in [0, 1) that determine an episode, one row for each episode."""
        per_class = 2 + 1 + 2 * (self._shots + self._queries)
        length = 4 + self._ways * per_class
        return uniform(np.array([(self._seed, number) for number in numbers], dtype=np.int64), length)

    def _classes(self, ways: Integers, of_kind: Floats, of_group: Floats, of_classes: Floats) -> Integers:
        """Which classes each task has, ``[T, N]``, padded with -1."""
        enough = np.searchsorted(-self._group_sizes, -ways, side="right")  # groups with enough classes
        within = of_kind < self._within_group
        pool = np.where(within, whole(of_group, enough), len(self._group_sizes))
        picked = distinct(of_classes, self._pool_sizes[pool], ways)
        ids = self._pooled[self._pool_starts[pool][:, None] + np.maximum(picked, 0)]
        return np.where(picked >= 0, ids, -1)

    def _gather(self, places: Integers, valid: NDArray[np.bool_]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Flatten places ``[T, N, k]`` to ``[T, N * k]``; give them, their images in 0..1, labels and weights."""
        tasks, ways, each = places.shape
        chosen = torch.from_numpy(np.where(valid, places, 0).reshape(tasks, -1))
        weights = torch.from_numpy(valid.reshape(tasks, -1)).float()
        # Moved as bytes, which takes a GPU a quarter of the time.
        images = self._images[chosen].to(self._device).float().div_(255)
        if not valid.all():
            images *= weights[..., None, None, None].to(self._device)
        labels = np.broadcast_to(np.arange(ways)[:, None], (ways, each)).reshape(1, -1)
        labels = np.where(valid.reshape(tasks, -1), labels, 0)
        return chosen, images, torch.from_numpy(labels), weights

    def _check(self, data: ClassImages) -> None:
        if self._same_drawers and self._within_group < 1:
            raise DataError("only classes of one group have the same drawers: draw all episodes within a group")
        if self._same_drawers and self._counts.min() < self._counts.max():
            raise DataError(
                "episodes of the same drawers need an image of each drawer in each class, but classes have "
                f"{self._counts.min()} to {self._counts.max()} images; add those that lack, or draw without it"
            )
        if len(data) < self._ways:
            raise DataError(f"episodes of {self._ways} ways need as many classes, there are {len(data)}")
        if self._within_group > 0 and self._group_sizes[0] < self._ways:
            raise DataError(
                f"episodes of {self._ways} ways within a group need a group of as many classes, "
                f"the largest has {self._group_sizes[0]}; lower the ways or draw across groups"
            )
        check_images(data, self._shots, self._queries)


def check_images(data: ClassImages, shots: int, queries: int) -> None:
    """Check that each class has images for an episode.

    Args:
        data: the classes.
        shots: the most support examples of a class.
        queries: query examples of a class.

    Raises:
        DataError: if some have fewer; the message names the first ones, with their numbers.
    """
    needed = shots + queries
    if poor := data.fewer_than(needed):
        raise DataError(
            f"{shots} shots and {queries} queries take {needed} images of a class, {poor}; lower them, add "
            "images or leave such classes out"
        )


def _bounds(name: str, value: Range, at_least: int) -> tuple[int, int]:
    low, high = (value, value) if isinstance(value, int) else value
    if not at_least <= low <= high:
        raise ValueError(f"{name} must be at least {at_least}, a number or (lowest, highest), not {value}")
    return low, high
