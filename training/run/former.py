"""Finds initializations that a run builds on, refusing those that may have seen classes it counts as unseen."""

from collections.abc import Mapping
from typing import Any

from models.initialization import Initialization, InitializationError, load
from training.recipe import Recipe, RecipeError
from training.run.named import folder_of
from training.run.seen_classes import made_of


def load_former(recipe: Recipe, key: str, name: str, *, else_known: str = "") -> Initialization:
    """Load an initialization: a shipped one by its name, or any by its folder.

    Args:
        recipe: of the run that builds on it.
        key: the recipe's key that names it, for messages.
        name: the value of that key.
        else_known: what else the key may name, for messages.

    Raises:
        RecipeError: if there is none, or it may have seen classes that the recipe counts as unseen.
        InitializationError: if the folder is no usable initialization.
    """
    try:
        folder = folder_of(name, else_known=else_known)
    except InitializationError as error:
        raise RecipeError(f"{key}: {error}") from error
    former = load(folder)
    _check_classes(former, recipe, key)
    return former


def facts_of(former: Initialization) -> dict[str, Any]:
    """What a card records of an initialization that the run built on: what it is and what it has seen."""
    told = ("trained_on", "recipe", "members", "pretrained", "teacher")
    return {
        "name": former.name,
        "version": former.version,
        "licence": former.card.get("licence", "unknown"),
        **{key: former.card[key] for key in told if key in former.card},
    }


def _check_classes(former: Initialization, recipe: Recipe, key: str) -> None:
    """Refuse a folder split by another seed, in the initialization's training or in that of what it was built on.

    Validation classes may then have been training classes. Omniglot and mini-ImageNet have fixed splits, and
    another seed of strokes draws other symbols.
    """
    cards: list[Mapping[str, Any]] = [former.card]
    while cards:
        card = cards.pop()
        data = card.get("recipe", {}).get("data", {})
        if data.get("name") == recipe.data.name == "folder" and data["seed"] != recipe.data.seed:
            raise RecipeError(
                f"{key}: {former.name} {former.version} was trained on a folder that was split by another "
                f"seed, so it may have seen validation classes; set data.seed to {data['seed']}"
            )
        cards += made_of(card)
