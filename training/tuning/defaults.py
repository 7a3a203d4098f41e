"""The space that is searched if a recipe has none: the learner's own hyper-parameters."""

from typing import Any

from training.recipe import Recipe


def default_space(recipe: Recipe) -> dict[str, Any]:
    """Ranges for the keys that matter to the recipe's learner and outer rule, in the form of its ``tune``.

    They cover Adam's rates, the number and initial rate of inner steps, the head's initial scale (see
    ``models.heads``) and the spread of evolution; most span about two orders of magnitude, those of the scale
    around what suits features of magnitude about 1.
    """
    learner = recipe.build_learner()
    least = min(3e-4, recipe.outer.learning_rate / 10)  # recipes with a pretrained body have lower rates
    space: dict[str, Any] = {"outer.learning_rate": {"low": least, "high": 3e-2, "log": True}}
    if learner.rule.moves != "nothing":
        space["learner.rule.steps"] = {"low": 1, "high": 5}
        space["learner.rule.initial_rate"] = {"low": 1e-3, "high": 1.0, "log": True}
        if recipe.outer.rule != "reptile":  # Reptile does not learn the inner rates
            space["outer.rates_learning_rate"] = {"low": 1e-4, "high": 1e-2, "log": True}
    if learner.head.kind == "prototype":
        usual = 3.0 if learner.backbone.unit else learner.backbone.features**-0.5
        space["learner.head.initial_scale"] = {"low": usual / 10, "high": usual * 10, "log": True}
    elif learner.head.kind != "shared":
        space["learner.head.initial_scale"] = {"low": 1.0, "high": 100.0, "log": True}
    if recipe.outer.rule == "evolution":
        space["outer.spread"] = {"low": 0.01, "high": 0.2, "log": True}
    return space
