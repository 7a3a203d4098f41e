"""The named algorithms: each combines a head, an inner rule and an outer rule, and works with any backbone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ANY_ALGORITHM, EVOLUTION, POLICY_GRADIENT = "algorithms.yaml", "evolution.yaml", "policy-gradient.yaml"
STRUCTURE = "structure.yaml"


@dataclass(frozen=True)
class Algorithm:
    """The defaults that a recipe's ``algorithm`` stands for; the recipe's own values take precedence.

    Attributes:
        source: the papers.
        head: fields of ``models.heads.Head``.
        rule: fields of ``models.inner_rule.InnerRule``.
        outer: fields of ``training.outer_plan.Outer``.
        recipe: file name of a small recipe for it in ``training/recipes``.
    """

    source: str
    head: Mapping[str, Any]
    rule: Mapping[str, Any]
    outer: Mapping[str, Any] = field(default_factory=dict)
    recipe: str = ANY_ALGORITHM

    def laid_under(self, recipe: Mapping[str, Any]) -> dict[str, Any]:
        """Return a recipe's values, with the algorithm's defaults where the recipe sets none."""
        learner, outer = recipe.get("learner", {}), recipe.get("outer", {})
        if not isinstance(learner, Mapping) or not isinstance(outer, Mapping):
            return dict(recipe)  # malformed: reading the recipe refuses it
        parts = {"head": self.head, "rule": self.rule}
        if not all(isinstance(learner.get(name, {}), Mapping) for name in parts):
            return dict(recipe)  # likewise malformed
        completed = {name: {**values, **learner.get(name, {})} for name, values in parts.items()}
        return {**recipe, "learner": {**learner, **completed}, "outer": {**self.outer, **outer}}


_SHARED, _PROTOTYPE = {"kind": "shared"}, {"kind": "prototype"}
_ONE_STEP = {"moves": "all", "steps": 1, "rates": "one", "initial_rate": 0.01}
_FIVE_STEPS = {"moves": "all", "steps": 5, "rates": "one", "initial_rate": 0.1}
_FIRST_ORDER = {"second_order": False}
_NOTHING = {"moves": "nothing", "steps": 0}

ALGORITHMS: dict[str, Algorithm] = {
    "maml": Algorithm("Finn et al. 2017", _SHARED, _FIVE_STEPS),
    "fomaml": Algorithm("Finn et al. 2017, section 5.2", _SHARED, _FIVE_STEPS, _FIRST_ORDER),
    "anil": Algorithm("Raghu et al. 2020", _SHARED, {**_FIVE_STEPS, "moves": "head"}),
    "boil": Algorithm("Oh et al. 2021", _PROTOTYPE, {**_ONE_STEP, "moves": "body"}),
    # Its rate is not learned, and 0.1, where the others start, is too low: 5-way on Omniglot, it stopped at 58 %.
    "reptile": Algorithm(
        "Nichol et al. 2018", _SHARED, {**_FIVE_STEPS, "initial_rate": 0.4}, {"rule": "reptile"}
    ),
    "proto-maml": Algorithm("Triantafillou et al. 2020", _PROTOTYPE, _ONE_STEP),
    # Like maml here: a head for any number of ways cannot have rows for a fixed number, so both start from one
    # shared vector. What remains of its own are the many steps (Ye and Chao 2022, section 4.1).
    "unicorn-maml": Algorithm("Ye and Chao 2022", _SHARED, {**_FIVE_STEPS, "steps": 15}),
    "protonet": Algorithm("Snell et al. 2017", _PROTOTYPE, _NOTHING),
    "r2d2": Algorithm("Bertinetto et al. 2019", {"kind": "ridge"}, _NOTHING),
    "metaoptnet": Algorithm("Lee et al. 2019", {"kind": "svm"}, _NOTHING),
    "meta-sgd": Algorithm("Li et al. 2017", _SHARED, {**_FIVE_STEPS, "rates": "parameter"}),
    "maml++": Algorithm(
        "Antoniou et al. 2019",
        _SHARED,
        {**_FIVE_STEPS, "rates": "layer-step"},
        {"multi_step_until": 150, "first_order_until": 100},
    ),
    "gated-maml": Algorithm("von Oswald et al. 2021", _SHARED, {**_FIVE_STEPS, "rates": "gate"}),
    # Adapts like proto-maml, but with the network structure that `training search` found.
    "searched-maml": Algorithm("Liu et al. 2019; Elsken et al. 2020", _PROTOTYPE, _ONE_STEP, recipe=STRUCTURE),
    "meta-curvature": Algorithm("Park and Oliva 2019", _SHARED, {**_FIVE_STEPS, "rates": "curvature"}),
    "es-maml": Algorithm(
        "Song et al. 2020; Salimans et al. 2017",
        _PROTOTYPE,
        {**_ONE_STEP, "moves": "head"},
        {"rule": "evolution"},
        EVOLUTION,
    ),
    "policy-gradient": Algorithm(
        "Williams 1992; Kool et al. 2019", _PROTOTYPE, _NOTHING, {"rule": "policy-gradient"}, POLICY_GRADIENT
    ),
}
