"""Tasks in which some classes are turned by 90, 180 or 270 degrees, as classes of their own."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from training.hashed_noise import uniform
from training.tasks.distinct_draws import whole
from training.tasks.episode_batch import EpisodeBatch

QUARTERS = 4
_STREAM = 2  # keeps these numbers independent of those that draw the episode itself and its mixing


class ClassTurning:
    """Turns a share of each task's classes, all images of a class alike (Santoro et al. 2016, section 4.1).

    The classes are those of ``data.rotations``, but no image is stored twice, and the share of upright classes,
    the ones that later tasks consist of, can be chosen. In a warm-up by ``classes``, telling how an image is
    turned takes knowing what it shows (Gidaris et al. 2018); class and turn form one label (Lee et al. 2020).

    What a task draws is a function of the seed and its number, as in ``EpisodeSampler``.
    """

    def __init__(self, classes: int, *, share: float, seed: int) -> None:
        """Take what stays the same from task to task.

        Args:
            classes: K, the number of classes of the data set.
            share: of the classes of a task that are turned, in 0..1; 0 leaves all as they are.
            seed: of all draws.

        Raises:
            ValueError: if the share is outside 0..1.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"episodes.turning is a share of each task's classes, in 0..1, not {share}")
        self._classes, self._share, self._seed = classes, share, seed

    @property
    def classes(self) -> int:
        """The number of different classes in tasks, counting turned ones: 4 K, or K without turning."""
        return self._classes * (QUARTERS if self._share else 1)

    def __call__(self, batch: EpisodeBatch, numbers: Sequence[int]) -> EpisodeBatch:
        """Turn some classes of each task.

        Args:
            batch: T tasks of square images.
            numbers: of the tasks, which determine all draws.

        Returns:
            The same tasks and labels. In ``class_ids`` a class k turned by q quarters is ``k + q * K``; its
            places still name the upright images.
        """
        if self._share == 0:
            return batch
        tasks, ways = batch.class_ids.shape
        places = np.array([(self._seed, number, _STREAM) for number in numbers], dtype=np.int64)
        chosen, which = uniform(places, 2 * ways).reshape(tasks, 2, ways).swapaxes(0, 1)
        drawn = np.where(chosen < self._share, 1 + whole(which, QUARTERS - 1), 0)
        quarters = torch.from_numpy(drawn).to(batch.class_ids.device)
        quarters[batch.class_ids < 0] = 0  # padding stays what it is
        of_images = quarters.gather(1, torch.cat([batch.support.labels, batch.query_labels], 1))
        turned = batch.map_images(lambda images: _turned(images, of_images))
        return replace(turned, class_ids=batch.class_ids + quarters * self._classes)


def _turned(images: Tensor, quarters: Tensor) -> Tensor:
    result = images.clone()
    for quarter in range(1, QUARTERS):
        chosen = quarters == quarter
        result[chosen] = torch.rot90(images[chosen], quarter, (-2, -1))
    return result
