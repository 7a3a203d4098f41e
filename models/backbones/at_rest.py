"""A backbone at rest: with parameters that change no more, prepared once for the images of many calls."""

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
    """Give what computes features ``[B, D]`` of images ``[B, C, H, W]``: folded, where the backbone can be.

    Args:
        backbone: of ``group`` or ``running`` normalisation.
        params: as it names them, which are only read and must not change any more.
    """
    if isinstance(backbone, Ensemble):
        members = [at_rest(one, part(params, at)) for at, one in backbone.named()]
        return lambda images: joined([member(images) for member in members])
    if isinstance(backbone, Conv4) and (folded := FoldedConv4.of(backbone, params)):
        return folded
    if isinstance(backbone, Staged) and (stages := FoldedStaged.of(backbone, params)):
        return stages
    return lambda images: backbone(params, images[None])[0][0]
