"""Checks what a recipe says of preprocessing and learner, which `models` builds without looking at types."""

from collections.abc import Mapping
from typing import Any

from models.backbones.backbone import Backbone
from models.backbones.registry import DEFAULT, KINDS
from models.heads import Head
from models.images.preprocessing import Preprocessing
from models.inner_rule import InnerRule
from training.recipe import RecipeError
from training.recipe_types import fitting

_LEARNER = ("backbone", "head", "rule")


def check_parts(preprocessing: Mapping[str, Any], learner: Mapping[str, Any]) -> None:
    """Check both.

    Raises:
        RecipeError: naming the key, where one is unknown, missing or of the wrong type.
    """
    fitting(Preprocessing, preprocessing, "preprocessing.")
    check_learner(learner)


def check_learner(learner: Mapping[str, Any]) -> None:
    """Check a learner's three parts; see ``check_parts``."""
    if unknown := sorted(set(learner) - set(_LEARNER), key=str):
        raise RecipeError(f"unknown key learner.{unknown[0]}; learner. takes {', '.join(_LEARNER)}")
    if missing := [name for name in _LEARNER if name not in learner]:
        raise RecipeError(f"the recipe lacks learner.{missing[0]}")
    check_backbone(learner["backbone"], "learner.backbone.")
    fitting(Head, learner["head"], "learner.head.")
    fitting(InnerRule, learner["rule"], "learner.rule.")


def check_images(preprocessing: Preprocessing, backbone: Backbone, at: str) -> None:
    """See that a backbone, whose keys begin with ``at``, takes the images that the preprocessing makes."""
    for size in ("channels", "side"):
        made, taken = getattr(preprocessing, size), getattr(backbone, size)
        if made != taken:
            raise RecipeError(
                f"preprocessing.{size} is {made} and {at}{size} is {taken}: the network takes the images that "
                "the preprocessing makes, so set both to the same"
            )


def check_backbone(backbone: Any, at: str, whole: str = "the recipe") -> None:
    """Check a backbone of a kind that recipes name; of any other, building tells."""
    settings = dict(backbone) if isinstance(backbone, Mapping) else backbone
    kind = settings.pop("kind", DEFAULT) if isinstance(settings, dict) else DEFAULT
    if isinstance(kind, str) and kind in KINDS:
        fitting(KINDS[kind], settings, at, whole)
