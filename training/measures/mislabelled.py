"""How often a wrong label is found by its task's other examples, what it costs, and what mending it gains."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from models.initialization import Initialization
from training.datasets.class_images import ClassImages, DataError
from training.hashed_noise import uniform
from training.measures.evaluation import embedded, measure, sampler_of
from training.measures.measured import Measured, Protocol, interval_95
from training.tasks.distinct_draws import whole
from training.tasks.episode_batch import EpisodeBatch

LEAST_SHOTS = 3  # with two examples of a class, either could be the mislabelled one


@dataclass(frozen=True)
class Mean:
    """The mean of one value per task, and half the width of its 95% interval over tasks."""

    mean: float
    interval_95: float

    @classmethod
    def of(cls, of_tasks: Tensor) -> Self:
        """Of values ``[E]``."""
        return cls(float(of_tasks.double().mean()), interval_95(of_tasks.double()))


@dataclass(frozen=True)
class Mislabelled:
    """What was measured on tasks of which each has one wrong label; all in 0..1.

    Attributes:
        found: share of the tasks in which the mislabelled example is doubtful.
        least_probable: share of the tasks in which no other label is as improbable.
        sound_doubted: share of the other examples that are doubtful.
        doubted_as_drawn: share of all examples that are doubtful in the same tasks without the wrong label, where
            an image of the class is in the place of the mislabelled one.
        accuracy_as_drawn: on the queries of these tasks without the wrong label.
        accuracy_mislabelled: on the same queries with it.
        accuracy_mended: likewise with the mislabelled example in the class that it is of.
        gain_of_mending: the last, less the one before.
    """

    found: Mean
    least_probable: Mean
    sound_doubted: Mean
    doubted_as_drawn: Mean
    accuracy_as_drawn: Mean
    accuracy_mislabelled: Mean
    accuracy_mended: Mean
    gain_of_mending: Mean


class MislabelledTasks:
    """Draws tasks of a protocol, in which an image of one class takes the place of an example of another.

    Which example that is and which other class are drawn at random, by the protocol's seed and the task's number.
    The class keeps its number of shots, and the image is not otherwise in the task.
    """

    def __init__(self, classes: ClassImages, protocol: Protocol) -> None:
        """Check that the classes suffice for the tasks.

        Raises:
            DataError: if classes, groups or images do not suffice.
        """
        needed = protocol.shots + protocol.queries + 1
        if poor := classes.fewer_than(needed):
            raise DataError(
                f"{protocol.shots} shots, {protocol.queries} queries and a mislabelled image take {needed} "
                f"images of a class, {poor}; lower --shots or --queries, add images or leave such classes out"
            )
        self._protocol, self._sampler = protocol, sampler_of(classes, wider(protocol))

    def planted(self, numbers: Sequence[int]) -> Tensor:
        """Which example of each task is mislabelled, int64 ``[T]``: a place in its support set."""
        return self._drawn(numbers)[0]

    def as_drawn(self, numbers: Sequence[int]) -> EpisodeBatch:
        """The tasks before any label is wrong."""
        return self._without_spares(self._sampler.episodes(numbers))

    def mislabelled(self, numbers: Sequence[int]) -> EpisodeBatch:
        """The tasks with one wrong label each."""
        batch = self._sampler.episodes(numbers)
        planted, other = self._drawn(numbers)
        tasks, spare = torch.arange(len(planted)), (other + 1) * (self._protocol.queries + 1) - 1
        images, places = batch.support.images.clone(), batch.support_places.clone()
        images[tasks, planted] = batch.query_images[tasks, spare]
        places[tasks, planted] = batch.query_places[tasks, spare]
        changed = replace(batch, support=replace(batch.support, images=images), support_places=places)
        return self._without_spares(changed)

    def mended(self, numbers: Sequence[int]) -> EpisodeBatch:
        """The same images, each in its own class: that of the wrong label in one which has an example more."""
        batch = self.mislabelled(numbers)
        planted, other = self._drawn(numbers)
        labels = batch.support.labels.clone()
        labels[torch.arange(len(planted)), planted] = other
        return replace(batch, support=replace(batch.support, labels=labels))

    def _drawn(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Which example is mislabelled, and which label its image should have, int64 ``[T]`` each."""
        ways, shots = self._protocol.ways, self._protocol.shots
        seeded = np.array([(self._protocol.seed, number, 1) for number in numbers], dtype=np.int64)
        of_example, of_class = uniform(seeded, 2).T
        planted = whole(of_example, ways * shots)
        other = (planted // shots + 1 + whole(of_class, ways - 1)) % ways
        return torch.from_numpy(planted), torch.from_numpy(other)

    def _without_spares(self, batch: EpisodeBatch) -> EpisodeBatch:
        """Remove the last query of each class, which is drawn for the place of another class's example."""
        each = self._protocol.queries + 1
        kept = torch.arange(self._protocol.ways * each).view(-1, each)[:, :-1].flatten()
        return replace(
            batch,
            query_images=batch.query_images[:, kept],
            query_labels=batch.query_labels[:, kept],
            query_weights=batch.query_weights[:, kept],
            query_places=batch.query_places[:, kept],
        )


def wider(protocol: Protocol) -> Protocol:
    """The protocol with a query more of each class, to draw the images that get a wrong label from."""
    return replace(protocol, queries=protocol.queries + 1)


def mislabelled(
    initialization: Initialization,
    classes: ClassImages,
    protocol: Protocol,
    *,
    features: Tensor | None = None,
    progress: bool = False,
) -> Mislabelled:
    """Mislabel one example of each task, look for it as the service does, and answer the queries.

    Args:
        initialization: what to measure.
        classes: classes that training never saw.
        protocol: of the tasks, of at least ``LEAST_SHOTS`` shots and without strangers.
        features: of all images that the tasks use (see ``wider`` and ``embedded``); None to compute them.
        progress: whether to show progress bars.

    Raises:
        DataError: if classes, groups or images do not suffice.
    """
    learner, phi, preprocessing = initialization.learner, initialization.phi, initialization.preprocessing
    tasks = MislabelledTasks(classes, protocol)
    if features is None:
        features = embedded(learner, phi, preprocessing, classes, protocols=[wider(protocol)], progress=progress)
    as_drawn, wrong, mended = (
        measure(learner, phi, preprocessing, classes, protocol, draw=draw, features=features, progress=progress)
        for draw in (tasks.as_drawn, tasks.mislabelled, tasks.mended)
    )
    sharpness = initialization.confidence.expectation.sharpness
    own, doubtful = _judged(wrong, sharpness)
    is_planted = torch.nn.functional.one_hot(tasks.planted(range(protocol.episodes)), own.shape[1]).bool()
    others = own.shape[1] - 1
    return Mislabelled(
        found=Mean.of(doubtful[is_planted]),
        least_probable=Mean.of(own[is_planted] < own.masked_fill(is_planted, torch.inf).amin(1)),
        sound_doubted=Mean.of((doubtful & ~is_planted).double().sum(1) / others),
        doubted_as_drawn=Mean.of(_judged(as_drawn, sharpness)[1].double().mean(1)),
        accuracy_as_drawn=Mean.of(as_drawn.accuracies),
        accuracy_mislabelled=Mean.of(wrong.accuracies),
        accuracy_mended=Mean.of(mended.accuracies),
        gain_of_mending=Mean.of(mended.accuracies - wrong.accuracies),
    )


def _judged(measured: Measured, sharpness: float) -> tuple[Tensor, Tensor]:
    """Each example's probability of its own label by the others, and whether it is doubtful, ``[E, S]``."""
    batches = [geometry.left_out_labels(sharpness) for geometry in measured.geometry]
    return torch.cat([one.own for one in batches]), torch.cat([one.doubtful for one in batches])
