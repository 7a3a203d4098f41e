"""Finds initializations that a run builds on, and refuses those that have seen what it counts as unseen."""

from typing import Any

from models.initialization import Initialization, InitializationError, load
from training.recipe import Recipe, RecipeError
from training.run.named import folder_of


def load_former(recipe: Recipe, key: str, name: str, *, else_known: str = "") -> Initialization:
    """Load a shipped initialization, by its name, or that of a folder.

    Args:
        recipe: of the run that builds on it.
        key: of the recipe, for messages.
        name: what it says.
        else_known: what else it may say, for messages.

    Raises:
        RecipeError: where there is no such thing, or it may have seen classes that the recipe counts as unseen.
        InitializationError: where a folder is no usable initialization.
    """
    try:
        folder = folder_of(name, else_known=else_known)
    except InitializationError as error:
        raise RecipeError(f"{key}: {error}") from error
    former = load(folder)
    _check_classes(former, recipe, key)
    return former


def facts_of(former: Initialization) -> dict[str, Any]:
    """Tell, for a card, what it is and what it has seen."""
    told = ("trained_on", "recipe", "members", "pretrained", "teacher")
    return {
        "name": former.name,
        "version": former.version,
        "licence": former.card.get("licence", "unknown"),
        **{key: former.card[key] for key in told if key in former.card},
    }


def _check_classes(former: Initialization, recipe: Recipe, key: str) -> None:
    """Refuse another split of a folder: its unseen classes may have been seen, then or in what that began from.

    Omniglot and mini-ImageNet have splits of their own, and another seed of strokes draws other symbols.
    """
    cards: list[dict[str, Any]] = [former.card]
    while cards:
        card = cards.pop()
        data = card.get("recipe", {}).get("data", {})
        if data.get("name") == recipe.data.name == "folder" and data["seed"] != recipe.data.seed:
            raise RecipeError(
                f"{key}: {former.name} {former.version} was trained on a folder that was split by another "
                f"seed, so it may have seen validation classes; set data.seed to {data['seed']}"
            )
        cards += [card[one] for one in ("pretrained", "teacher") if one in card]
