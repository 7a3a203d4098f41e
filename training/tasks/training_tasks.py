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
from training.tasks.episode_batch import EpisodeBatch
from training.tasks.episodes import EpisodeSampler
from training.tasks.growing import shrunk, side_at
from training.tasks.mixing import ClassMixing
from training.tasks.turning import ClassTurning


class Sampler(Protocol):
    """Draws the tasks of a step as a function of its number alone (see ``EpisodeSampler``)."""

    def batch(self, index: int, tasks: int) -> EpisodeBatch:
        """Draw the ``tasks`` tasks of step ``index``."""


class TrainingTasks:
    """Makes the tasks of a step, which depend on the recipe's seed and the step alone.

    Attributes:
        device: where images are changed.
        sampler: draws the tasks.
        turning: turns some of their classes, after jitter: a photo turned by 90 degrees and then mirrored would
            be a mirrored photo turned by 270, so of another class.
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
            recipe: of the run.
            training: the classes of its training tasks.
            preprocessing: as the recipe describes it.
            device: where images are changed. Random draws are made on the CPU, so they are the same everywhere.

        Raises:
            DataError: if the classes do not suffice for the tasks.
            ValueError: if the recipe's numbers of the tasks are out of range.
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
            ragged=episodes.ragged,
            device=self.device,
        )
        self._mixing = ClassMixing(training, share=episodes.mixing, seed=recipe.seed, ways=episodes.ways)
        self.turning = ClassTurning(len(training), share=episodes.turning, seed=recipe.seed)

    @property
    def images(self) -> int:
        """The number of training images."""
        return len(self._training.images)

    def digest(self) -> str:
        """The sha256 of the training images, to tell whether they are those of an earlier sitting."""
        return hashlib.sha256(self._training.images.contiguous().numpy().data).hexdigest()

    def of_step(self, step: int) -> EpisodeBatch:
        """Make the tasks of an outer step, counted from 0, ready for the learner."""
        tasks = self._recipe.outer.tasks
        numbers = range(step * tasks, (step + 1) * tasks)
        batch = self._mixing(self.sampler.batch(step, tasks), numbers)
        return self.turning(self.jittered(batch, step), numbers)

    def jittered(self, batch: EpisodeBatch, step: int) -> EpisodeBatch:
        """Jitter a batch's images, in 0..1, as in that step, shrink them to its side and preprocess them."""
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
        """Show images as the steps of a view do (every ``outer.feature_views``-th), in the learner's full side.

        Args:
            places: int64 ``[M]``, indices of training images.
            view: from 0, the view of the first step.

        Returns:
            ``[M, C, side, side]``, preprocessed.
        """
        images = self._training.images[places].to(self.device).float().div_(255)
        return self._preprocessing.normalise(jitter(images, self._recipe.jitter, self._draws(places, view)))

    def _draws(self, places: Tensor, step: int) -> Draws:
        """Draws for the images of a step: new ones, or those of its view where there are fixed views."""
        seed, views = self._recipe.seed, self._recipe.outer.feature_views
        if not views:
            return SharedDraws(torch.Generator().manual_seed(folded(seed * 1_000_003 + step)))
        at = places.numpy()
        return OwnDraws(np.stack([np.full_like(at, seed), at, np.full_like(at, step % views)], 1))
