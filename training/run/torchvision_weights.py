"""Weights that torchvision publishes, from torch's hub cache or downloaded by torchvision."""

import hashlib
import pickle
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.backbones.torchvision_backbone import TorchvisionBackbone
from models.torchvision_operators import declare_missing
from training.recipe import RecipeError

_LICENCE = (
    "torchvision is offered under BSD-3-Clause; weights may be bound by the terms of the data that they were "
    "trained on, which are ImageNet's"
)


def names_of_weights(backbone: TorchvisionBackbone) -> tuple[str, ...]:
    """Names of the weights that torchvision has for a network, ``DEFAULT`` among them."""
    declare_missing()
    from torchvision import models  # slow to import, and only these recipes need it

    return tuple(models.get_model_weights(backbone.model).__members__)


def torchvision_weights(backbone: TorchvisionBackbone, name: str) -> tuple[Params, dict[str, Any]]:
    """Load weights by one of ``names_of_weights``.

    Returns:
        The body's parameters, named as the backbone names them, and facts for the card: which weights, their URL,
        the sha256 of their file, whether that is torchvision's published one (the file's name has its first
        digits), their licence, and what they have seen.

    Raises:
        RecipeError: if they can't be loaded or do not fit; the message says what to put where.
    """
    declare_missing()
    from torchvision import models

    weights = models.get_model_weights(backbone.model)[name]
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name
    state = _present_names(_loaded(weights, file))
    try:
        body = backbone.params_of(state)
    except ValueError as error:
        raise RecipeError(f"{file} does not fit {backbone.model}: {error}") from error
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    published = re.search(r"-([a-f0-9]{8,})\.", file.name)
    return body, {
        "weights": str(weights),
        "url": weights.url,
        "sha256": digest,
        "as_published": published is not None and digest.startswith(published[1]),
        "licence": weights.meta.get("license", _LICENCE),
        "seen": f"photos of ImageNet's {len(weights.meta['categories'])} classes: none of them is unseen",
    }


def _loaded(weights: Any, file: Path) -> dict[str, Tensor]:
    try:
        # Tensors only: torchvision's model builders would let a hostile file run arbitrary code.
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
    """Rename as torchvision's DenseNets do: their published weights have older names than their modules."""
    return {re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2.", n): value for n, value in state.items()}
