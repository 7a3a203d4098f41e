"""The tasks of a run's outer steps: drawn, mixed, jittered and turned as its recipe says."""

import hashlib
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from models.images.preprocessing import Preprocessing
from training.datasets.class_images import ClassImages
from training.recipe import Recipe
from training.seeds import folded
from training.tasks.augmentation import jitter
from training.tasks.draws import Draws, OwnDraws, SharedDraws
from training.tasks.episodes import EpisodeBatch, EpisodeSampler
from training.tasks.growing import shrunk, side_at
from training.tasks.mixing import ClassMixing
from training.tasks.turning import ClassTurning


class Sampler(Protocol):
    """Draws the tasks of a step, as a function of its number alone (see ``EpisodeSampler``)."""

    def batch(self, index: int, tasks: int) -> EpisodeBatch:
        """Draw them."""


class TrainingTasks:
    """Makes the tasks of a step: functions of the recipe's seed and the step alone.

    Attributes:
        device: where images are changed.
        sampler: draws them.
        turning: turns some of their classes, last of all: a photo that is turned by 90 degrees and then mirrored
            is a mirrored one, turned by 270.
    """

    def __init__(
        self,
        recipe: Recipe,
        training: ClassImages,
        preprocessing: Preprocessing,
        device: torch.device | str = "cpu",
    ) -> None:
        """Take what stays the same from step to step.

        Args:
            recipe: what to do.
            training: the classes of its training tasks.
            preprocessing: that it describes.
            device: where images are changed. What is drawn is drawn on the CPU, the same for every device.
        """
        self._recipe, self._preprocessing, self._training = recipe, preprocessing, training
        self.device = torch.device(device)
        episodes = recipe.episodes
        self.sampler: Sampler = EpisodeSampler(
            training,
            ways=episodes.ways,
            shots=episodes.shots,
            queries=episodes.queries,
            seed=recipe.seed,
            within_group=episodes.within_group,
            device=self.device,
        )
        self._mixing = ClassMixing(training, share=episodes.mixing, seed=recipe.seed, ways=episodes.ways)
        self.turning = ClassTurning(len(training), share=episodes.turning, seed=recipe.seed)

    @property
    def images(self) -> int:
        """How many training images there are."""
        return len(self._training.images)

    def digest(self) -> str:
        """The sha256 of the training images: whether they are the same as in another sitting."""
        return hashlib.sha256(self._training.images.contiguous().numpy().data).hexdigest()

    def of_step(self, step: int) -> EpisodeBatch:
        """Make the tasks of an outer step, counted from 0, ready for the learner."""
        tasks = self._recipe.outer.tasks
        numbers = range(step * tasks, (step + 1) * tasks)
        batch = self._mixing(self.sampler.batch(step, tasks), numbers)
        return self.turning(self.jittered(batch, step), numbers)

    def jittered(self, batch: EpisodeBatch, step: int) -> EpisodeBatch:
        """Change the images of a batch as those of a step, and preprocess them."""
        recipe, outer, classes = self._recipe, self._recipe.outer, batch.image_classes
        tasks = torch.arange(batch.tasks)[:, None].expand_as(classes)
        alike = ((classes, recipe.class_jitter), (tasks, recipe.task_jitter))
        side = side_at(step, outer.warm_up, outer.first_side, batch.query_images.shape[-1])
        draws = self._draws(torch.cat([batch.support_places, batch.query_places], 1).flatten(), step)
        return batch.map_images(
            lambda images: self._preprocessing.normalise(
                shrunk(jitter(images, recipe.jitter, draws, alike=alike), side)
            )
        )

    def view(self, places: Tensor, view: int) -> Tensor:
        """Show images as every ``outer.feature_views``-th step does, on the learner's full side.

        Args:
            places: int64 ``[M]``, which of the training images.
            view: from 0, that of the first step.

        Returns:
            ``[M, C, side, side]``, preprocessed.
        """
        images = self._training.images[places].to(self.device).float().div_(255)
        return self._preprocessing.normalise(jitter(images, self._recipe.jitter, self._draws(places, view)))

    def _draws(self, places: Tensor, step: int) -> Draws:
        """Of the images of a step: new ones, or those of one of a few views."""
        seed, views = self._recipe.seed, self._recipe.outer.feature_views
        if not views:
            return SharedDraws(torch.Generator().manual_seed(folded(seed * 1_000_003 + step)))
        at = places.numpy()
        return OwnDraws(np.stack([np.full_like(at, seed), at, np.full_like(at, step % views)], 1))
