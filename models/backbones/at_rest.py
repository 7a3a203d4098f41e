"""A backbone at rest: with parameters that no longer change, prepared once for many calls."""

from collections.abc import Callable

from torch import Tensor

from models.backbones.backbone import Backbone, Params, part
from models.backbones.conv4 import Conv4
from models.backbones.depths import joined
from models.backbones.ensemble import Ensemble
from models.backbones.folded_conv4 import FoldedConv4
from models.backbones.folded_staged import FoldedStaged
from models.backbones.staged import Staged

Embedding = Callable[[Tensor], Tensor]


def at_rest(backbone: Backbone, params: Params) -> Embedding:
    """Return a function from images ``[B, C, H, W]`` to features ``[B, D]``, folded if the backbone can be.

    Args:
        backbone: of ``group`` or ``running`` normalisation.
        params: as the backbone names them; only read, and must not change afterwards.
    """
    if isinstance(backbone, Ensemble):
        members = [at_rest(one, part(params, at)) for at, one in backbone.named()]
        return lambda images: joined([member(images) for member in members])
    if isinstance(backbone, Conv4) and (folded := FoldedConv4.of(backbone, params)):
        return folded
    if isinstance(backbone, Staged) and (stages := FoldedStaged.of(backbone, params)):
        return stages
    return lambda images: backbone(params, images[None])[0][0]
