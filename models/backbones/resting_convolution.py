"""Convolutions at rest: normalisation is folded into kernels, which are laid out once for speed.

With fixed parameters, ``running`` normalisation is a factor and a summand for each channel. The factor goes into
the kernel and the summand becomes the convolution's offset, so that convolution, normalisation, the addition of a
skip and ReLU are one call.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from models.backbones.backbone import MOMENTS, Params
from models.backbones.normalisation import gain_and_offset
from models.kernels.native.at_rest import supports
from models.kernels.packed_convolution import PackedConvolution
from models.kernels.tiled_convolution import TiledConvolution

RestingConvolution = PackedConvolution | TiledConvolution
_NARROW = 2  # pixels of the side up to which tiles of 4x4 would be mostly empty


def can_rest(params: Mapping[str, Tensor]) -> bool:
    """Whether this build of torch has oneDNN, and all parameters are float32 on the CPU."""
    fitting = all(value.dtype == torch.float32 and value.device.type == "cpu" for value in params.values())
    return fitting and torch.backends.mkldnn.is_available()


def folded_layer(params: Params, layer: str, *, stride: int, side: int, relu: bool) -> RestingConvolution:
    """Fold a layer's ``scale``, ``shift`` and ``moments`` into its ``convolution``.

    Args:
        params: of a backbone of ``running`` normalisation.
        layer: prefix of the names of these four.
        stride: 1 or 2.
        side: of the square input, in pixels.
        relu: whether ReLU follows.
    """
    scale, shift, moments, kernel = (
        params[f"{layer}.{name}"].detach() for name in ("scale", "shift", MOMENTS, "convolution")
    )
    gain, offset = gain_and_offset(moments, scale, shift)
    folded = gain[:, None, None, None] * kernel
    if stride == 1 and side > _NARROW and supports(folded):
        return TiledConvolution.of(folded, offset, relu=relu)
    return PackedConvolution.of(folded, offset, stride=stride, side=side, relu=relu)
