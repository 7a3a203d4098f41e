"""Plans of a race: everything that determines it, in one YAML file."""

import dataclasses
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.images.preprocessing import Preprocessing
from training.algorithms import ALGORITHMS
from training.comparison.plan import Source
from training.comparison.plan_reading import (
    PlanError,
    check_episodes,
    check_learners,
    check_rates,
    check_seeds,
    plan_file,
)
from training.measures.measured import Protocol
from training.recipe_reading import check_name, read_values
from training.recipe_types import build

PLANS = Path(__file__).parent / "plans"
_MOST_WAYS = 2  # numbers of ways that one drawing shows side by side


@dataclass(frozen=True)
class Training:
    """What every algorithm trains with, except for the outer settings that some have of their own.

    Attributes:
        ways: classes of a training task.
        shots: support examples of a class.
        queries: query examples of a class.
        tasks: number of tasks of an outer step.
        learning_rate: Adam's highest rate, for inner rates as well; it falls to 0 along half a cosine.
        looks: number of measurements on development tasks during training, evenly spread; the best phi is kept.
    """

    ways: int = 5
    shots: int = 1
    queries: int = 5
    tasks: int = 16
    learning_rate: float = 3e-3
    looks: int = 5


@dataclass(frozen=True)
class Choice:
    """The tasks of development classes by which phi is chosen among the looks.

    Attributes:
        ways: classes of a task.
        episodes: number of tasks of a look.
        seed: of the tasks.
    """

    ways: int = 5
    episodes: int = 200
    seed: int = 10_000


@dataclass(frozen=True)
class Tasks:
    """The tasks of unseen classes on which accuracies are measured.

    Attributes:
        ways: classes of a task; one number, or two that are shown side by side.
        shots: support examples of a class, also in the tasks that choose phi.
        queries: query examples of a class, also in the tasks that choose phi.
        episodes: number of tasks behind each accuracy.
        seed: of the tasks.
    """

    ways: tuple[int, ...] = (5, 20)
    shots: int = 1
    queries: int = 5
    episodes: int = 1000
    seed: int = 30_000


@dataclass(frozen=True)
class Plan:
    """A race.

    Attributes:
        name: of the race.
        preprocessing: from image to input (see ``models.images.preprocessing``).
        backbone: of all algorithms but those with a structure of their own (see ``models.backbones.registry``),
            with group normalisation, under which nothing of other queries or of past batches reaches a learner.
        seed: of every initial phi and of the training tasks.
        seconds: how long the outer steps of each algorithm should take, without the looks at development tasks.
        algorithms: those that take part (see ``training.algorithms``).
        data: where classes come from.
        training: what every algorithm trains with.
        choice: of phi among the looks.
        tasks: those on which accuracies are measured.
    """

    name: str
    preprocessing: dict[str, Any]
    backbone: dict[str, Any]
    seed: int = 0
    seconds: float = 600.0
    algorithms: tuple[str, ...] = tuple(ALGORITHMS)
    data: Source = field(default_factory=Source)
    training: Training = field(default_factory=Training)
    choice: Choice = field(default_factory=Choice)
    tasks: Tasks = field(default_factory=Tasks)

    def build_preprocessing(self) -> Preprocessing:
        """The preprocessing that the plan describes."""
        return Preprocessing.from_dict(self.preprocessing)

    def protocols(self) -> tuple[Protocol, ...]:
        """The tasks that are reported on: a protocol for each number of ways."""
        tasks = self.tasks
        return tuple(
            Protocol(ways, tasks.shots, tasks.queries, tasks.episodes, tasks.seed) for ways in tasks.ways
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the whole plan, defaults included, as JSON values."""
        values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return values


def with_kept(plan: Plan, kept: Collection[str]) -> Plan:
    """Put the algorithms of kept rows before those that the plan names, so that no table loses them."""
    others = tuple(name for name in ALGORITHMS if name in kept and name not in plan.algorithms)
    return dataclasses.replace(plan, algorithms=others + plan.algorithms)


def read_plan(
    name: str,
    overrides: Sequence[str] = (),
    *,
    algorithms: Sequence[str] = (),
    seconds: float | None = None,
) -> Plan:
    """Read a plan, by the name of a shipped one or by its path.

    Args:
        name: for example ``omniglot``, or ``my/plan.yaml``.
        overrides: each ``key.key=value``, taking precedence over the file.
        algorithms: replace the plan's; empty to keep its own.
        seconds: replaces the plan's; None to keep its own.

    Raises:
        RecipeError: if there is no such plan, or naming a key that is unknown, missing or has a value that does
            not fit.
    """
    values = read_values(plan_file(name, PLANS), overrides)
    if algorithms:
        values["algorithms"] = list(algorithms)
    if seconds is not None:
        values["seconds"] = seconds
    plan = build(Plan, values, at="", whole="the plan")
    _check(plan)
    return plan


def _check(plan: Plan) -> None:
    check_name(plan.name)
    check_learners(plan.algorithms, plan.preprocessing, plan.backbone)
    tasks, choice, training = plan.tasks, plan.choice, plan.training
    check_seeds(seed=plan.seed, data=plan.data.seed, tasks=tasks.seed, choice=choice.seed)
    if not plan.algorithms:
        raise PlanError("algorithms needs at least one entry")
    check_rates(learning_rate=training.learning_rate)
    if plan.seconds <= 0:
        raise PlanError(f"seconds must be positive, not {plan.seconds:g}")
    if not 1 <= len(set(tasks.ways)) == len(tasks.ways) <= _MOST_WAYS:
        raise PlanError(f"tasks.ways must be one number or two, for example [5, 20], not {list(tasks.ways)}")
    check_episodes(tasks.episodes, choice.episodes)
    if tasks.seed == choice.seed:
        raise PlanError("tasks.seed and choice.seed must differ: what chooses is not what is reported")
    counts = [training.shots, training.queries, training.tasks, training.looks, tasks.shots, tasks.queries]
    if min([*counts, plan.data.development]) < 1:
        raise PlanError("shots, queries, training.tasks, looks and development classes must be at least 1")
    if min([*tasks.ways, choice.ways, training.ways]) < 2:
        raise PlanError("ways must be at least 2")
