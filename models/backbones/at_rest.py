"""A backbone at rest: with parameters that no longer change, prepared once for many calls."""

from collections.abc import Callable

import torch
from torch import Tensor

from models.backbones.backbone import Backbone, Params, part
from models.backbones.conv4 import Conv4
from models.backbones.depths import joined
from models.backbones.ensemble import Ensemble
from models.backbones.folded_conv4 import FoldedConv4
from models.backbones.folded_staged import FoldedStaged
from models.backbones.staged import Staged
from models.backbones.torchvision_backbone import TorchvisionBackbone
from models.kernels.layouts import channels_innermost

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
    if isinstance(backbone, TorchvisionBackbone):
        # Else each pass would lay out all kernels anew, which took half of its time for one small image.
        params = {name: channels_innermost(value) if value.ndim == 4 else value for name, value in params.items()}
    return lambda images: each_alone(backbone, params, images[None])[0]


def each_alone(backbone: Backbone, params: Params, images: Tensor, seen: Tensor | None = None) -> Tensor:
    """Features ``[T, B, D]`` of images ``[T, B, C, H, W]``, on the CPU the same bits in any company.

    What torch computes may change in the last digits with the number of images and with an image's place among
    them: it chooses by that number how to convolve, and computes what is left beyond the last whole vector by
    other functions. So images pass one by one, unless C computes all that could differ. With AVX2, the 1x1
    convolutions of 20 images had other last digits than those of two; with any vectors, SiLU's had in any batch.

    Args:
        backbone: as ``params``, ``images`` and ``seen`` are for it (see ``Backbone``).
        params: with or without a leading task dimension.
        images: of each task, at least one.
        seen: the moments of the support sets, for ``support`` normalisation.
    """
    exact = isinstance(backbone, Conv4) and backbone.is_native
    pieces = [images] if exact or images.device.type != "cpu" else images.split(1, 1)
    return torch.cat([backbone(params, some, seen=seen)[0] for some in pieces], 1)
