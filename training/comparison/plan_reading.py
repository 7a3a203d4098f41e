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
from training.recipe_parts import check_backbone
from training.recipe_reading import read_values
from training.recipe_types import build, fitting

PLANS = Path(__file__).parent / "plans"
_LEAST_EPISODES = 2


class PlanError(RecipeError):
    """A plan cannot be used; the message names the key and what it takes."""


def read_plan(name: str, overrides: Sequence[str] = (), algorithms: Sequence[str] = ()) -> Plan:
    """Read a plan by the name of a shipped one, or by its path.

    Args:
        name: for example ``omniglot``, or ``my/plan.yaml``.
        overrides: ``key.key=value``, laid over it.
        algorithms: in place of the plan's; none for its own.

    Raises:
        PlanError: naming the key, where one is unknown, missing or does not fit.
    """
    values = read_values(plan_file(name, PLANS), overrides)
    if algorithms:
        values["algorithms"] = list(algorithms)
    plan: Plan = build(Plan, values, at="", whole="the plan")
    _check(plan)
    return plan


def plan_file(name: str, shipped: Path) -> Path:
    """Find a plan by its name among shipped ones, or by its path.

    Raises:
        PlanError: where there is none.
    """
    path = shipped / f"{name}.yaml" if (shipped / f"{name}.yaml").is_file() else Path(name)
    if not path.is_file():
        names = ", ".join(sorted(one.stem for one in shipped.glob("*.yaml")))
        raise PlanError(f"there is no plan {name}; give a YAML file, or the name of one that is here: {names}")
    return path


def check_learners(
    algorithms: Sequence[str], preprocessing: Mapping[str, Any], backbone: Mapping[str, Any]
) -> None:
    """See that a plan's learners can be built.

    Raises:
        PlanError: where an algorithm is unknown or named twice, or preprocessing or backbone do not fit.
    """
    if unknown := sorted(set(algorithms) - set(ALGORITHMS)):
        raise PlanError(f"there is no algorithm {unknown[0]!r}; there are {', '.join(ALGORITHMS)}")
    if len(set(algorithms)) < len(algorithms):
        raise PlanError("algorithms must each be named once")
    fitting(Preprocessing, preprocessing, "preprocessing.", "the plan")
    check_backbone(backbone, "backbone.", "the plan")
    try:
        Preprocessing.from_dict(preprocessing)
        network = backbone_from_dict(backbone)
        network.initial(torch.Generator().manual_seed(0))
    except NO_FIT as error:
        raise PlanError(f"preprocessing or backbone in the plan do not fit: {error}") from error
    if network.normalisation != "group":
        raise PlanError(
            f"backbone.normalisation must be group, not {network.normalisation}, to keep every learner inductive"
        )


def _check(plan: Plan) -> None:
    check_learners(plan.algorithms, plan.preprocessing, plan.backbone)
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
