"""The pretrained start: a body of torchvision's weights, from torch's hub cache or by its own download."""

import hashlib
import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import Tensor

from models.backbone import Params
from models.torchvision_backbone import TorchvisionBackbone
from training.recipe import Recipe, RecipeError

_LICENCE = (
    "torchvision is offered under BSD-3-Clause; weights may be bound by the terms of the data that they were "
    "trained on, which are ImageNet's"
)


@dataclass(frozen=True)
class Pretrained:
    """A body to start from.

    Attributes:
        body: as the backbone names it.
        facts: for the card: which weights, from where, the sha256 of their file, whether that is the one that
            torchvision published (its name has the first digits), their licence, and what they have seen.
    """

    body: Params
    facts: dict[str, Any]


def pretrained_start(recipe: Recipe) -> Pretrained | None:
    """Load the weights that a recipe's ``pretrained`` names; None where it names none.

    Raises:
        RecipeError: where torchvision has no such weights, or they can't be loaded; with what to put where.
    """
    if not recipe.pretrained:
        return None
    from torchvision import models  # slow to import, and only these recipes need it

    backbone = recipe.build_learner().backbone
    assert isinstance(backbone, TorchvisionBackbone), "or the recipe would not have been built"
    of_model = models.get_model_weights(backbone.model)
    if recipe.pretrained not in of_model.__members__:
        names = ", ".join(of_model.__members__)
        raise RecipeError(f"pretrained: {backbone.model} has no weights {recipe.pretrained!r}; it has {names}")
    weights = of_model[recipe.pretrained]
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name
    try:
        body = backbone.params_of(_present_names(_loaded(weights, file)))
    except ValueError as error:
        raise RecipeError(f"{file} does not fit {backbone.model}: {error}") from error
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    published = re.search(r"-([a-f0-9]{8,})\.", file.name)
    facts = {
        "weights": str(weights),
        "url": weights.url,
        "sha256": digest,
        "as_published": published is not None and digest.startswith(published[1]),
        "licence": weights.meta.get("license", _LICENCE),
        "seen": f"photos of ImageNet's {len(weights.meta['categories'])} classes: none of them is unseen",
    }
    return Pretrained(body, facts)


def _loaded(weights: Any, file: Path) -> dict[str, Tensor]:
    try:
        # Only tensors: torchvision's builders would let a hostile file run what it likes.
        state: dict[str, Tensor] = weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        if file.exists():
            raise RecipeError(
                f"{file} holds no weights ({error}); delete it, to have it downloaded again"
            ) from error
        raise RecipeError(
            f"{weights.url} can't be downloaded ({error}); download it where there is a network, and put it at "
            f"{file} (the environment variable TORCH_HOME says where this cache lies)"
        ) from error
    return state


def _present_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename as torchvision's DenseNets do, whose published weights are older than their modules' names."""
    return {re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2.", n): value for n, value in state.items()}
