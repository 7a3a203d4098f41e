"""Conv4 in torch's own modules, as learn2learn clones it, with the same parameters as ours."""

import torch
from torch import Tensor, nn

from models.backbone import Params
from models.conv4 import Conv4
from models.views import see

_BODY = "body."


class PlainConv4(nn.Module):
    """The backbone that a ``Conv4`` describes."""

    def __init__(self, backbone: Conv4, phi: Params) -> None:
        """Copy the parameters ``body.*`` of phi.

        Raises:
            ValueError: for normalisation by the support set, which torch has no module for.
        """
        super().__init__()
        self.names: Params = {}
        blocks: list[nn.Module] = []
        inputs = backbone.channels
        for block, width in enumerate(backbone.widths, start=1):
            halve = block <= backbone.halvings
            stride = 2 if halve and backbone.halving == "stride" else 1
            convolution = nn.Conv2d(inputs, width, 3, stride=stride, padding=1, bias=False)
            normalisation = _normalisation(backbone, width, phi.get(f"{_BODY}block{block}.moments"))
            pool = [nn.MaxPool2d(2)] if halve and backbone.halving == "pool" else []
            if backbone.normalisation == "group":
                blocks += [convolution, normalisation, nn.ReLU(), *pool]
            else:
                blocks += [convolution, *pool, normalisation, nn.ReLU()]
            self.names |= {
                f"{_BODY}block{block}.convolution": convolution.weight,
                f"{_BODY}block{block}.scale": normalisation.weight,
                f"{_BODY}block{block}.shift": normalisation.bias,
            }
            inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.averages, self.unit, self.views = backbone.halving == "stride", backbone.unit, backbone.views
        with torch.no_grad():
            for name, parameter in self.names.items():
                parameter.copy_(phi[name])

    def forward(self, images: Tensor) -> Tensor:
        """Features ``[B, D]`` of images ``[B, C, H, W]``."""
        if not self.views:
            return self._features(images)
        of_views = self._features(see(images[None], self.views)[0])
        features = of_views.unflatten(0, (-1, len(self.views))).mean(1)
        return nn.functional.normalize(features, dim=-1) if self.unit else features

    def _features(self, images: Tensor) -> Tensor:
        maps = self.blocks(images)
        features = maps.mean((2, 3)) if self.averages else maps.flatten(1)
        return nn.functional.normalize(features, dim=-1) if self.unit else features


def _normalisation(backbone: Conv4, width: int, moments: Tensor | None) -> nn.GroupNorm | nn.BatchNorm2d:
    if backbone.normalisation == "group":
        return nn.GroupNorm(backbone.groups, width)
    if moments is None:
        raise ValueError(f"torch has no module for {backbone.normalisation!r} normalisation")
    fixed = nn.BatchNorm2d(width)
    assert fixed.running_mean is not None
    assert fixed.running_var is not None
    fixed.running_mean.copy_(moments[0])
    fixed.running_var.copy_(moments[1])
    return fixed.eval()
