"""Plans of a comparison: everything that decides it, in one YAML file."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.conv4 import Conv4
from models.images.preprocessing import Preprocessing
from training.algorithms import ALGORITHMS
from training.recipe import RecipeError
from training.recipe_reading import build, read_values

PLANS = Path(__file__).parent / "plans"
_LEAST_EPISODES = 2


class PlanError(RecipeError):
    """A plan cannot be used; the message names the key and what it takes."""


@dataclass(frozen=True)
class Source:
    """Where classes come from; those reported on are the data set's ``validation`` split.

    Attributes:
        name: ``omniglot``, ``mini_imagenet``, ``folder`` or ``strokes``.
        seed: of the split where the data set has none of its own, and of the order in which training classes are
            taken: the first for development, the next for training.
        development: training classes that nobody trains on: on their tasks checkpoints, rates, numbers of steps
            and penalties are chosen.
        strokes: of ``strokes``, how many classes to draw for training and development together.
        unseen_strokes: of ``strokes``, how many to draw to report on.
    """

    name: str = "omniglot"
    seed: int = 0
    development: int = 100
    strokes: int = 900
    unseen_strokes: int = 200


@dataclass(frozen=True)
class Augmentation:
    """What task augmentation adds, where it is on (see ``training.tasks.augmentation``).

    Attributes:
        rotations: each class turned by 90, 180 and 270 degrees, as classes of their own.
        reflections: each class, and each turned one, mirrored, as classes of their own.
    """

    rotations: bool = True
    reflections: bool = False


@dataclass(frozen=True)
class Training:
    """What every learner that trains beforehand is given.

    Attributes:
        images: that each may see, the same for all: an outer step of a meta-learner takes its tasks' support and
            query images, a step of supervised training its batch.
        tasks: of an outer step.
        shots: support examples of a class in a training task.
        queries: query examples of a class in a training task.
        batch: images of a step of supervised training.
        learning_rate: of Adam at its highest, in the outer loop; it falls to 0 along half a cosine.
        supervised_learning_rate: the same in supervised training.
        looks: at development tasks, evenly spread; the best phi of them is taken.
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
    """The tasks that accuracies are of.

    Attributes:
        ways: classes of a task.
        shots: support examples of a class, of learners that trained on all classes.
        compared_shots: those among them at which everything else is measured.
        queries: query examples of a class.
        episodes: tasks behind each accuracy.
        seed: of the tasks of unseen classes; those of training classes have the next.
    """

    ways: int = 5
    shots: tuple[int, ...] = (1, 2, 5, 10)
    compared_shots: tuple[int, ...] = (1, 5)
    queries: int = 5
    episodes: int = 600
    seed: int = 30_000


@dataclass(frozen=True)
class Choice:
    """How what ordinary learners leave open is chosen, on tasks of the development classes.

    Attributes:
        episodes: development tasks of each number of shots, and of a look.
        seed: of these tasks.
        rates: inner rates to try for fine-tuning.
        scratch_rates: the same for learning from scratch.
        steps: inner steps to try for fine-tuning.
        scratch_steps: the same for learning from scratch.
        penalties: of the linear probe to try (see ``training.comparison.probe_head``).
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
        backbone: of all learners (see ``models.conv4``), with group normalisation, the one kind under which neither
            ordinary learners nor meta-learners see anything of other queries or past batches.
        seed: of every first phi, of training tasks and batches.
        algorithms: the meta-learners (see ``training.algorithms``).
        classes: numbers of training classes to compare; all there are come on top.
        augmented_classes: those at which augmentation is compared; all there are come on top.
        inner_steps: after which accuracy and losses are measured; 0 comes on top.
        data: where classes come from.
        augmentation: of tasks.
        training: before any unseen task.
        tasks: that accuracies are of.
        choice: of what ordinary learners leave open.
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

    def build_backbone(self) -> Conv4:
        """The backbone that the plan describes."""
        return Conv4(**self.backbone)

    def as_dict(self) -> dict[str, Any]:
        """Give the whole plan, defaults included, as JSON values."""
        values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return values


def read_plan(name: str, overrides: tuple[str, ...] = (), algorithms: tuple[str, ...] = ()) -> Plan:
    """Read a plan by the name of a shipped one, or by its path.

    Args:
        name: for example ``omniglot``, or ``my/plan.yaml``.
        overrides: ``key.key=value``, laid over it.
        algorithms: in place of the plan's; none for its own.

    Raises:
        PlanError: naming the key, where one is unknown, missing or does not fit.
    """
    path = PLANS / f"{name}.yaml" if (PLANS / f"{name}.yaml").is_file() else Path(name)
    if not path.is_file():
        shipped = ", ".join(sorted(one.stem for one in PLANS.glob("*.yaml")))
        raise PlanError(f"there is no plan {name}; give a YAML file, or the name of one that is here: {shipped}")
    values = read_values(path, overrides)
    if algorithms:
        values["algorithms"] = list(algorithms)
    plan: Plan = build(Plan, values, at="", whole="the plan")
    _check(plan)
    return plan


def _check(plan: Plan) -> None:
    if unknown := sorted(set(plan.algorithms) - set(ALGORITHMS)):
        raise PlanError(f"there is no algorithm {unknown[0]!r}; there are {', '.join(ALGORITHMS)}")
    if len(set(plan.algorithms)) < len(plan.algorithms):
        raise PlanError("algorithms must each be named once")
    try:
        plan.build_preprocessing()
        backbone = plan.build_backbone()
    except (KeyError, TypeError, ValueError) as error:
        raise PlanError(f"preprocessing or backbone in the plan do not fit: {error}") from error
    if backbone.normalisation != "group":
        raise PlanError(
            f"backbone.normalisation must be group, not {backbone.normalisation}: only so is every learner inductive"
        )
    tasks = plan.tasks
    if not tasks.compared_shots or not set(tasks.compared_shots) <= set(tasks.shots):
        raise PlanError(f"tasks.compared_shots must be some of tasks.shots, {list(tasks.shots)}")
    if min(tasks.episodes, plan.choice.episodes) < _LEAST_EPISODES:
        raise PlanError("tasks.episodes and choice.episodes must be at least 2, for an interval")
    needed = max(plan.tasks.ways, *plan.classes, *plan.augmented_classes, 0)
    if min([*plan.classes, *plan.augmented_classes, needed]) < plan.tasks.ways:
        raise PlanError(f"classes and augmented_classes must each be at least tasks.ways, {plan.tasks.ways}")
    choice = plan.choice
    counts = [*plan.inner_steps, *choice.steps, *choice.scratch_steps, *tasks.shots, tasks.queries]
    if min([*counts, plan.training.looks, plan.training.batch, plan.data.development]) < 1:
        raise PlanError("steps, shots, queries, looks, batch and development classes must be at least 1")
    if min([*choice.rates, *choice.scratch_rates, *choice.penalties]) <= 0:
        raise PlanError("choice.rates, choice.scratch_rates and choice.penalties must be positive")
    per_step = plan.training.tasks * tasks.ways * (plan.training.shots + plan.training.queries)
    if plan.training.images < max(per_step, plan.training.batch):
        raise PlanError(f"training.images must suffice for one outer step, {per_step} images, and for one batch")
