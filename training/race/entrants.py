"""The recipe of each algorithm in a race: the plan's data, tasks and backbone, and what it has of its own."""

from dataclasses import replace
from typing import Any

from models.initialization import learner_as_dict
from training.algorithms import ALGORITHMS, EVOLUTION, POLICY_GRADIENT, STRUCTURE
from training.race.plan import Plan
from training.recipe import Recipe
from training.recipe_reading import RECIPES, build_recipe, read_values

_FOUND = "structure-found.yaml"  # found by a search with the recipe ``STRUCTURE``
NETWORK, OUTER = "structure", "outer settings"
_OWN = {STRUCTURE: NETWORK, EVOLUTION: OUTER, POLICY_GRADIENT: OUTER}


def recipe_of(plan: Plan, name: str, steps: int) -> Recipe:
    """The recipe of one algorithm's training.

    Head, rules and inner rates are the algorithm's. Algorithms without a gradient through adaptation also take
    the outer settings of their own recipes, because those of the others do not suit them; one whose structure is
    searched takes the structure that was found.
    """
    training, tasks, choice = plan.training, plan.tasks, plan.choice
    outer = {
        "tasks": training.tasks,
        "learning_rate": training.learning_rate,
        "rates_learning_rate": training.learning_rate,
    }
    values: dict[str, Any] = {
        "name": name,
        "description": f"One algorithm of the race {plan.name}.",
        "licence": "For comparison, not for use.",
        "seed": plan.seed,
        "algorithm": name,
        "preprocessing": plan.preprocessing,
        "learner": {"backbone": _structure(plan) if own_of(name) == NETWORK else plan.backbone},
        "data": {"name": plan.data.name, "seed": plan.data.seed},
        "episodes": {"ways": training.ways, "shots": training.shots, "queries": training.queries},
        "outer": outer | _own_outer(name) | {"steps": steps},
        "validation": {
            "every": -(-steps // training.looks),
            "episodes": choice.episodes,
            "ways": choice.ways,
            "shots": tasks.shots,
            "queries": tasks.queries,
            "seed": choice.seed,
        },
        "reports": [],
    }
    recipe = build_recipe(values)
    return replace(recipe, learner=learner_as_dict(recipe.build_learner()))


def own_of(name: str) -> str:
    """What an algorithm has of its own besides head, rules and inner rates; for most, the empty string."""
    return _OWN.get(ALGORITHMS[name].recipe, "")


def _own_outer(name: str) -> dict[str, Any]:
    """The outer settings of an algorithm's own recipe if they are its own (see ``own_of``), otherwise none."""
    recipe = RECIPES / ALGORITHMS[name].recipe
    return dict(read_values(recipe, ())["outer"]) if own_of(name) == OUTER else {}


def _structure(plan: Plan) -> dict[str, Any]:
    """The found structure, for images of the plan's channels and side."""
    found: dict[str, Any] = read_values(RECIPES / _FOUND, ())["learner"]["backbone"]
    of_images = plan.build_preprocessing()
    return found | {"channels": of_images.channels, "side": of_images.side}
