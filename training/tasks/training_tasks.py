"""The tasks of a run's outer steps: drawn, mixed, jittered and turned as its recipe says."""

from typing import Protocol

import torch

from models.images.preprocessing import Preprocessing
from training.datasets.class_images import ClassImages
from training.recipe import Recipe
from training.tasks.augmentation import jitter
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
        self._recipe, self._preprocessing = recipe, preprocessing
        episodes = recipe.episodes
        self.sampler: Sampler = EpisodeSampler(
            training,
            ways=episodes.ways,
            shots=episodes.shots,
            queries=episodes.queries,
            seed=recipe.seed,
            within_group=episodes.within_group,
            device=device,
        )
        self._mixing = ClassMixing(training, share=episodes.mixing, seed=recipe.seed, ways=episodes.ways)
        self.turning = ClassTurning(len(training), share=episodes.turning, seed=recipe.seed)

    def of_step(self, step: int) -> EpisodeBatch:
        """Make the tasks of an outer step, counted from 0, ready for the learner."""
        tasks = self._recipe.outer.tasks
        numbers = range(step * tasks, (step + 1) * tasks)
        batch = self._mixing(self.sampler.batch(step, tasks), numbers)
        return self.turning(self.jittered(batch, step), numbers)

    def jittered(self, batch: EpisodeBatch, step: int) -> EpisodeBatch:
        """Change the images of a batch as those of a step, and preprocess them."""
        recipe, outer, classes = self._recipe, self._recipe.outer, batch.image_classes
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        tasks = torch.arange(batch.tasks)[:, None].expand_as(classes)
        alike = ((classes, recipe.class_jitter), (tasks, recipe.task_jitter))
        side = side_at(step, outer.warm_up, outer.first_side, batch.query_images.shape[-1])
        return batch.map_images(
            lambda images: self._preprocessing.normalise(
                shrunk(jitter(images, recipe.jitter, generator, alike=alike), side)
            )
        )
