"""Conv4 in torch's own modules, as learn2learn clones it, with the same parameters as ours."""

from torch import nn

from benchmarks.plain_network import PlainNetwork, fixed_normalisation
from models.backbones.backbone import Params
from models.backbones.conv4 import Conv4
from models.learner import BODY


class PlainConv4(PlainNetwork):
    """The backbone that a ``Conv4`` describes."""

    def __init__(self, backbone: Conv4, phi: Params) -> None:
        """Copy the parameters ``body.*`` of phi.

        Raises:
            ValueError: if normalisation is by the support set, for which torch has no module.
        """
        super().__init__(backbone.views, averages=backbone.halving == "stride", unit=backbone.unit)
        blocks: list[nn.Module] = []
        inputs = backbone.channels
        for block, width in enumerate(backbone.widths, start=1):
            halve = block <= backbone.halvings
            stride = 2 if halve and backbone.halving == "stride" else 1
            convolution = nn.Conv2d(inputs, width, 3, stride=stride, padding=1, bias=False)
            normalisation: nn.GroupNorm | nn.BatchNorm2d
            pool = [nn.MaxPool2d(2)] if halve and backbone.halving == "pool" else []
            if backbone.normalisation == "group":
                normalisation = nn.GroupNorm(backbone.groups, width)
                blocks += [convolution, normalisation, nn.ReLU(), *pool]
            elif backbone.normalisation == "running":
                normalisation = fixed_normalisation(phi[f"{BODY}block{block}.moments"])
                blocks += [convolution, *pool, normalisation, nn.ReLU()]
            else:
                raise ValueError(f"torch has no module for {backbone.normalisation!r} normalisation")
            self.names |= {
                f"{BODY}block{block}.convolution": convolution.weight,
                f"{BODY}block{block}.scale": normalisation.weight,
                f"{BODY}block{block}.shift": normalisation.bias,
            }
            inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.take(phi)
