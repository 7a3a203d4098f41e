"""What a run starts from, where that is not drawn afresh: an initialization, or weights of torchvision's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.backbones.backbone import Params
from models.backbones.torchvision_backbone import TorchvisionBackbone
from models.initialization import CARD, Initialization, load, shipped
from models.learner import BODY, Learner
from training.recipe import Recipe, RecipeError
from training.run.after_warm_up import MEASURED
from training.run.torchvision_weights import names_of_weights, torchvision_weights


@dataclass(frozen=True)
class Pretrained:
    """What to start from.

    Attributes:
        phi: what was learned of it, or its body alone.
        facts: for the card: what this is, and what it has seen.
    """

    phi: Params
    facts: dict[str, Any]


def pretrained_start(recipe: Recipe) -> Pretrained | None:
    """Load what a recipe's ``pretrained`` names; None where it names nothing.

    Raises:
        RecipeError: where there is no such thing, it can't be loaded, it does not fit the recipe's learner, or
            it may have seen classes that the recipe counts as unseen.
        InitializationError: where a folder is no usable initialization.
    """
    if not recipe.pretrained:
        return None
    learner, name, known = recipe.build_learner(), recipe.pretrained, ""
    if isinstance(learner.backbone, TorchvisionBackbone):
        names = names_of_weights(learner.backbone)
        if name in names:
            body, facts = torchvision_weights(learner.backbone, name)
            return Pretrained({f"{BODY}{key}": value for key, value in body.items()}, facts)
        known = f"; {learner.backbone.model} has the weights {', '.join(names)}"
    folder = shipped().get(name, Path(name))
    if not (folder / CARD).exists():
        raise RecipeError(
            f"pretrained: {name!r} is neither a shipped initialization ({', '.join(shipped())}) nor a folder "
            f"with a {CARD}{known}"
        )
    former = load(folder)
    _check_phi(former, learner)
    _check_classes(former, recipe)
    # What was measured may be of other features than the recipe's learner has: it is measured anew.
    learned = {name: value for name, value in former.phi.items() if name not in MEASURED}
    return Pretrained(learned, _facts_of(former))


def _check_phi(former: Initialization, learner: Learner) -> None:
    wanted, found = _shapes(learner.initial(seed=0)), _shapes(former.phi)
    if wanted != found:
        name = min(name for name in wanted | found if wanted.get(name) != found.get(name))
        raise RecipeError(
            f"pretrained: {former.name} {former.version} does not fit the recipe's learner: {name} is "
            f"{found.get(name, 'absent')} there, {wanted.get(name, 'absent')} here; take its card's `learner`"
        )


def _shapes(phi: Params) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in phi.items() if name not in MEASURED}


def _check_classes(former: Initialization, recipe: Recipe) -> None:
    """Refuse another split of a folder: its unseen classes may have been seen, then or in what that began from.

    Omniglot and mini-ImageNet have splits of their own, and another seed of strokes draws other symbols.
    """
    card: dict[str, Any] = former.card
    while card:
        data = card.get("recipe", {}).get("data", {})
        if data.get("name") == recipe.data.name == "folder" and data["seed"] != recipe.data.seed:
            raise RecipeError(
                f"pretrained: {former.name} {former.version} was trained on a folder that was split by another "
                f"seed, so it may have seen validation classes; set data.seed to {data['seed']}"
            )
        card = card.get("pretrained", {})


def _facts_of(former: Initialization) -> dict[str, Any]:
    told = ("trained_on", "recipe", "members", "pretrained")
    return {
        "name": former.name,
        "version": former.version,
        "licence": former.card.get("licence", "unknown"),
        **{key: former.card[key] for key in told if key in former.card},
    }
