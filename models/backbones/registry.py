"""The backbones by name, and how a card or a recipe writes them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from models.backbones.backbone import Backbone
from models.backbones.conv4 import Conv4
from models.backbones.ensemble import Ensemble
from models.backbones.staged import Staged
from models.backbones.torchvision_backbone import TorchvisionBackbone

KINDS: dict[str, type[Conv4] | type[Staged] | type[TorchvisionBackbone]] = {
    "conv4": Conv4,
    "stages": Staged,
    "torchvision": TorchvisionBackbone,
}
DEFAULT, _ENSEMBLE = "conv4", "ensemble"


def backbone_as_dict(backbone: Backbone) -> dict[str, Any]:
    """Return a backbone's settings as JSON values; TypeError for one of no known kind."""
    if isinstance(backbone, Ensemble):
        return {"kind": _ENSEMBLE, "members": [backbone_as_dict(one) for one in backbone.members]}
    for kind, of_kind in KINDS.items():
        if isinstance(backbone, of_kind):
            values = {"kind": kind, **asdict(backbone)}
            del values["features"]
            return values
    raise TypeError(f"{type(backbone).__name__} has no name that a card could give it")


def backbone_from_dict(values: Mapping[str, Any]) -> Backbone:
    """Rebuild from what ``backbone_as_dict`` returned; without ``kind`` it is a Conv4.

    Raises:
        ValueError: for an unknown kind, or sizes that do not fit.
        TypeError: for settings that the kind does not have.
    """
    settings = dict(values)
    kind = settings.pop("kind", DEFAULT)
    if kind == _ENSEMBLE:
        return Ensemble(tuple(backbone_from_dict(one) for one in settings.pop("members", ())), **settings)
    if kind not in KINDS:
        raise ValueError(f"the backbone's kind must be {' or '.join([*KINDS, _ENSEMBLE])}, not {kind!r}")
    return KINDS[kind](**settings)
