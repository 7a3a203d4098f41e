"""The space searched where a recipe has none: the learner's own hyper-parameters."""

from typing import Any

from training.recipe import Recipe


def default_space(recipe: Recipe) -> dict[str, Any]:
    """Ranges for the keys that the recipe's learner and outer rule have a use for, as ``tune`` would say them.

    Adam's rates, the number of inner steps and where their rates start, and how sure the head starts
    (``models.heads``), over about two orders of magnitude around what suits features of about 1 each.
    """
    learner = recipe.build_learner()
    least = min(3e-4, recipe.outer.learning_rate / 10)  # a pretrained body is moved by little
    space: dict[str, Any] = {"outer.learning_rate": {"low": least, "high": 3e-2, "log": True}}
    if learner.rule.moves != "nothing":
        space["learner.rule.steps"] = {"low": 1, "high": 5}
        space["learner.rule.initial_rate"] = {"low": 1e-3, "high": 1.0, "log": True}
        if recipe.outer.rule != "reptile":  # which leaves the rates where they start
            space["outer.rates_learning_rate"] = {"low": 1e-4, "high": 1e-2, "log": True}
    if learner.head.kind == "prototype":
        usual = 3.0 if learner.backbone.unit else learner.backbone.features**-0.5
        space["learner.head.initial_scale"] = {"low": usual / 10, "high": usual * 10, "log": True}
    elif learner.head.kind != "shared":
        space["learner.head.initial_scale"] = {"low": 1.0, "high": 100.0, "log": True}
    if recipe.outer.rule == "evolution":
        space["outer.spread"] = {"low": 0.01, "high": 0.2, "log": True}
    return space
