"""Reads plans from YAML, with overrides, refusing what does not fit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from models.backbones.registry import backbone_from_dict
from models.images.preprocessing import Preprocessing
from training.algorithms import ALGORITHMS
from training.comparison.plan import Plan
from training.recipe import NO_FIT, RecipeError
from training.recipe_parts import check_backbone, check_images
from training.recipe_ranges import MOST_RATE
from training.recipe_reading import check_name, read_values
from training.recipe_types import build, fitting
from training.seeds import MOST_SEED

PLANS = Path(__file__).parent / "plans"
_LEAST_EPISODES = 2


class PlanError(RecipeError):
    """A plan cannot be used; the message names the key and what it takes."""


def read_plan(name: str, overrides: Sequence[str] = (), algorithms: Sequence[str] = ()) -> Plan:
    """Read a plan, by the name of a shipped one or by its path.

    Args:
        name: for example ``omniglot``, or ``my/plan.yaml``.
        overrides: each ``key.key=value``, taking precedence over the file.
        algorithms: replace the plan's; empty to keep its own.

    Raises:
        RecipeError: if there is no such plan, or naming a key that is unknown, missing or has a value that does
            not fit.
    """
    values = read_values(plan_file(name, PLANS), overrides)
    if algorithms:
        values["algorithms"] = list(algorithms)
    plan = build(Plan, values, at="", whole="the plan")
    _check(plan)
    return plan


def plan_file(name: str, shipped: Path) -> Path:
    """Find the file of a plan, by its name among the shipped ones or by its path.

    Raises:
        PlanError: if there is none.
    """
    path = shipped / f"{name}.yaml" if (shipped / f"{name}.yaml").is_file() else Path(name)
    if not path.is_file():
        names = ", ".join(sorted(one.stem for one in shipped.glob("*.yaml")))
        raise PlanError(f"there is no plan {name}; give a YAML file, or the name of one that is here: {names}")
    return path


def check_learners(
    algorithms: Sequence[str], preprocessing: Mapping[str, Any], backbone: Mapping[str, Any]
) -> None:
    """Check that a plan's learners can be built.

    Raises:
        RecipeError: if an algorithm is unknown or named twice, or preprocessing or backbone do not fit.
    """
    if unknown := sorted(set(algorithms) - set(ALGORITHMS)):
        raise PlanError(f"there is no algorithm {unknown[0]!r}; there are {', '.join(ALGORITHMS)}")
    if len(set(algorithms)) < len(algorithms):
        raise PlanError("algorithms must each be named once")
    fitting(Preprocessing, preprocessing, "preprocessing.", "the plan")
    check_backbone(backbone, "backbone.", "the plan")
    try:
        of_images = Preprocessing.from_dict(preprocessing)
        network = backbone_from_dict(backbone)
        network.initial(torch.Generator().manual_seed(0))
    except NO_FIT as error:
        raise PlanError(f"preprocessing or backbone in the plan do not fit: {error}") from error
    check_images(of_images, network, "backbone.")
    if network.normalisation != "group":
        raise PlanError(
            f"backbone.normalisation must be group, not {network.normalisation}, to keep every learner inductive"
        )


def check_seeds(**seeds: int) -> None:
    """Check that a plan's seeds are in the range that leaves room for the next seed, which is used as well.

    Raises:
        PlanError: naming one that is not.
    """
    for name, seed in seeds.items():
        if not 0 <= seed <= MOST_SEED:
            key = name if name == "seed" else f"{name}.seed"
            raise PlanError(f"{key} must be 0 to {MOST_SEED}, not {seed}")


def check_episodes(of_tasks: int, of_choice: int) -> None:
    """Check that a plan measures on enough tasks for an interval.

    Raises:
        PlanError: if it does not.
    """
    if min(of_tasks, of_choice) < _LEAST_EPISODES:
        raise PlanError("tasks.episodes and choice.episodes must be at least 2, for an interval")


def check_rates(**rates: float) -> None:
    """Check that the learning rates of a plan's ``training`` are in the range for Adam.

    Raises:
        PlanError: naming one that is not.
    """
    for name, rate in rates.items():
        if not 0 <= rate <= MOST_RATE:
            raise PlanError(f"training.{name} must be 0 to {MOST_RATE:g}, not {rate:g}")


def _check(plan: Plan) -> None:
    check_name(plan.name)
    check_learners(plan.algorithms, plan.preprocessing, plan.backbone)
    tasks, choice, training = plan.tasks, plan.choice, plan.training
    lists = {"algorithms": plan.algorithms, "inner_steps": plan.inner_steps}
    of_choice = ("rates", "scratch_rates", "steps", "scratch_steps", "penalties")
    lists |= {f"choice.{key}": getattr(choice, key) for key in of_choice}
    if empty := [key for key, values in lists.items() if not values]:
        raise PlanError(f"{empty[0]} needs at least one entry")
    lists |= {"tasks.shots": tasks.shots, "tasks.compared_shots": tasks.compared_shots}
    if twice := [key for key, values in lists.items() if len(set(values)) < len(values)]:
        raise PlanError(f"{twice[0]} must name each entry once, not {list(lists[twice[0]])}")
    check_seeds(seed=plan.seed, data=plan.data.seed, tasks=tasks.seed, choice=choice.seed)
    if not tasks.compared_shots or not set(tasks.compared_shots) <= set(tasks.shots):
        raise PlanError(f"tasks.compared_shots must be some of tasks.shots, {list(tasks.shots)}")
    check_episodes(tasks.episodes, choice.episodes)
    needed = max(plan.tasks.ways, *plan.classes, *plan.augmented_classes, 0)
    if min([*plan.classes, *plan.augmented_classes, needed]) < plan.tasks.ways:
        raise PlanError(f"classes and augmented_classes must each be at least tasks.ways, {plan.tasks.ways}")
    counts = [*plan.inner_steps, *choice.steps, *choice.scratch_steps, *tasks.shots, tasks.queries]
    counts += [training.tasks, training.shots, training.queries, training.looks, training.batch]
    if min([*counts, plan.data.development]) < 1:
        raise PlanError("steps, shots, queries, tasks, looks, batch and development classes must be at least 1")
    check_rates(learning_rate=training.learning_rate, supervised_learning_rate=training.supervised_learning_rate)
    if min([*choice.rates, *choice.scratch_rates, *choice.penalties]) <= 0:
        raise PlanError("choice.rates, choice.scratch_rates and choice.penalties must be positive")
    per_step = training.tasks * tasks.ways * (training.shots + training.queries)
    if training.images < max(per_step, training.batch):
        raise PlanError(f"training.images must suffice for one outer step, {per_step} images, and for one batch")
