"""Plans of a comparison: everything that determines it, in one YAML file."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from models.backbones.backbone import Backbone
from models.backbones.registry import backbone_from_dict
from models.images.preprocessing import Preprocessing


@dataclass(frozen=True)
class Source:
    """Where classes come from; those reported on are the data set's ``validation`` split.

    Attributes:
        name: ``omniglot``, ``mini_imagenet``, ``folder`` or ``strokes``.
        seed: of the split if the data set has none of its own, and of the order in which training classes are
            taken: the first for development, the next for training.
        development: number of training classes that nobody trains on; checkpoints, rates, numbers of steps and
            penalties are chosen on their tasks.
        strokes: for ``strokes``, how many classes to draw for training and development together.
        unseen_strokes: for ``strokes``, how many classes to draw to report on.
    """

    name: str = "omniglot"
    seed: int = 0
    development: int = 100
    strokes: int = 900
    unseen_strokes: int = 200


@dataclass(frozen=True)
class Augmentation:
    """The classes that task augmentation adds if it is on (see ``training.tasks.augmentation``).

    Attributes:
        rotations: whether to add each class turned by 90, 180 and 270 degrees as classes of their own.
        reflections: whether to add each class, turned ones included, mirrored as a class of its own.
    """

    rotations: bool = True
    reflections: bool = False


@dataclass(frozen=True)
class Training:
    """What every learner that trains beforehand is given.

    Attributes:
        images: how many each may see, the same for all. An outer step of a meta-learner uses the support and
            query images of its tasks, a step of supervised training its batch.
        tasks: number of tasks of an outer step.
        shots: support examples of a class in a training task.
        queries: query examples of a class in a training task.
        batch: number of images of a step of supervised training.
        learning_rate: Adam's highest rate in the outer loop; it falls to 0 along half a cosine.
        supervised_learning_rate: likewise, in supervised training.
        looks: number of measurements on development tasks during training, evenly spread; the best phi is kept.
    """

    images: int = 150_000
    tasks: int = 16
    shots: int = 1
    queries: int = 5
    batch: int = 96
    learning_rate: float = 3e-3
    supervised_learning_rate: float = 3e-3
    looks: int = 5


@dataclass(frozen=True)
class Tasks:
    """The tasks on which accuracies are measured.

    Attributes:
        ways: classes of a task.
        shots: numbers of support examples of a class at which learners trained on all classes are measured.
        compared_shots: those of ``shots`` at which everything else is measured.
        queries: query examples of a class.
        episodes: number of tasks behind each accuracy.
        seed: of the tasks of unseen classes; those of training classes are drawn by the next seed.
    """

    ways: int = 5
    shots: tuple[int, ...] = (1, 2, 5, 10)
    compared_shots: tuple[int, ...] = (1, 5)
    queries: int = 5
    episodes: int = 600
    seed: int = 30_000


@dataclass(frozen=True)
class Choice:
    """How the settings that ordinary learners leave open are chosen, on tasks of the development classes.

    Attributes:
        episodes: number of development tasks for each number of shots, and for each look.
        seed: of these tasks.
        rates: inner rates to try for fine-tuning.
        scratch_rates: likewise, for learning from scratch.
        steps: numbers of inner steps to try for fine-tuning.
        scratch_steps: likewise, for learning from scratch.
        penalties: those of the linear probe to try (see ``training.comparison.probe_head``).
    """

    episodes: int = 100
    seed: int = 10_000
    rates: tuple[float, ...] = (0.01, 0.1, 1.0)
    scratch_rates: tuple[float, ...] = (0.1, 0.3, 1.0)
    steps: tuple[int, ...] = (1, 2, 5, 10, 20)
    scratch_steps: tuple[int, ...] = (10, 20, 40, 80)
    penalties: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0)


@dataclass(frozen=True)
class Plan:
    """A comparison.

    Attributes:
        name: of the comparison.
        preprocessing: from image to input (see ``models.images.preprocessing``).
        backbone: of all learners (see ``models.backbones.registry``), with group normalisation, under which
            nothing of other queries or of past batches reaches a learner.
        seed: of every initial phi, and of training tasks and batches.
        algorithms: the meta-learners (see ``training.algorithms``).
        classes: numbers of training classes to compare; that of all classes is added.
        augmented_classes: those at which augmentation is compared; that of all classes is added.
        inner_steps: numbers of inner steps after which accuracy and losses are measured; 0 is added.
        data: where classes come from.
        augmentation: of tasks.
        training: what learners are given before any unseen task.
        tasks: those on which accuracies are measured.
        choice: of the settings that ordinary learners leave open.
    """

    name: str
    preprocessing: dict[str, Any]
    backbone: dict[str, Any]
    seed: int = 0
    algorithms: tuple[str, ...] = ("maml", "proto-maml", "anil", "protonet", "r2d2")
    classes: tuple[int, ...] = (25, 50, 100, 200, 400)
    augmented_classes: tuple[int, ...] = (50,)
    inner_steps: tuple[int, ...] = (1, 2, 3, 5, 10, 20)
    data: Source = field(default_factory=Source)
    augmentation: Augmentation = field(default_factory=Augmentation)
    training: Training = field(default_factory=Training)
    tasks: Tasks = field(default_factory=Tasks)
    choice: Choice = field(default_factory=Choice)

    def build_preprocessing(self) -> Preprocessing:
        """The preprocessing that the plan describes."""
        return Preprocessing.from_dict(self.preprocessing)

    def build_backbone(self) -> Backbone:
        """The backbone that the plan describes."""
        return backbone_from_dict(self.backbone)

    @property
    def traced_steps(self) -> list[int]:
        """Numbers of inner steps after which accuracy and losses are measured, rising from 0."""
        return [0, *sorted(self.inner_steps)]

    def as_dict(self) -> dict[str, Any]:
        """Give the whole plan, defaults included, as JSON values."""
        values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return values
