"""What a run starts from, if not from a fresh phi: an initialization, or weights that torchvision publishes."""

from dataclasses import dataclass
from typing import Any

from models.backbones.backbone import Params
from models.backbones.torchvision_backbone import TorchvisionBackbone
from models.initialization import Initialization
from models.learner import BODY, Learner
from training.outer.class_loss import initial_centres
from training.recipe import Recipe, RecipeError
from training.run.after_warm_up import MEASURED
from training.run.former import facts_of, load_former
from training.run.torchvision_weights import names_of_weights, torchvision_weights


@dataclass(frozen=True)
class Pretrained:
    """What to start from.

    Attributes:
        phi: its learned tensors, without measured ones; from torchvision, those of the body alone.
        facts: for the card: what this is, and what it has seen.
        former: the initialization, if it is one.
    """

    phi: Params
    facts: dict[str, Any]
    former: Initialization | None = None


def pretrained_start(recipe: Recipe) -> Pretrained | None:
    """Load what a recipe's ``pretrained`` names; None if it names nothing.

    Raises:
        RecipeError: if it does not exist, can't be loaded, does not fit the recipe's learner, or may have seen
            classes that the recipe counts as unseen.
        InitializationError: if a folder is no usable initialization.
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
    former = load_former(recipe, "pretrained", name, else_known=known)
    _check_phi(former, learner)
    # Measured tensors may belong to other features than those of the recipe's learner: they are measured anew.
    learned = {name: value for name, value in former.phi.items() if name not in MEASURED}
    return Pretrained(learned, facts_of(former), former)


def first_phi(recipe: Recipe, learner: Learner, classes: int, pretrained: Pretrained | None) -> Params:
    """What a run's phi is before its first step: fresh, where it does not come from ``pretrained``.

    Args:
        recipe: of the run.
        learner: as the recipe describes it.
        classes: number of those that a warm-up by ``classes`` tells apart, of which phi then has the centres.
        pretrained: what to start from; None for nothing.
    """
    phi = learner.initial(recipe.seed) | (pretrained.phi if pretrained else {})
    if recipe.outer.warm_up_loss == "classes":
        phi |= initial_centres(learner, classes, recipe.seed)
    return phi


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
