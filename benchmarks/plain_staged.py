"""A backbone of stages in torch's own modules, as learn2learn clones it, with the same parameters as ours."""

from torch import Tensor, nn

from benchmarks.plain_network import BODY, PlainNetwork, fixed_normalisation
from models.backbone import Params
from models.stage import Layer
from models.staged import CENTRE, SKIP, Staged


class PlainStaged(PlainNetwork):
    """The backbone that a ``Staged`` describes."""

    def __init__(self, backbone: Staged, phi: Params) -> None:
        """Copy the parameters ``body.*`` of phi.

        Raises:
            ValueError: for another normalisation than by running statistics.
        """
        if backbone.normalisation != "running":
            raise ValueError(f"the plain network is normalised by constants, not {backbone.normalisation!r}")
        super().__init__(
            backbone.views,
            averages=backbone.average,
            unit=backbone.unit,
            centre=phi[f"{BODY}{CENTRE}"] if backbone.centred else None,
        )
        layers = {one.name: self._layer(one, phi) for one in backbone.layers()}
        stages: list[nn.Module] = []
        for number, stage in enumerate(backbone.stages, start=1):
            name = f"stage{number}"
            row = [layers[f"{name}.{index}"] for index in range(1, stage.convolutions + 1)]
            around = layers.get(f"{name}.{SKIP}", nn.Identity()) if stage.skip else None
            stages.append(_PlainStage(row, around, rectifies=backbone.rectifies(number)))
            if stage.halving == "pool":
                stages.append(nn.MaxPool2d(2))
        self.blocks = nn.Sequential(*stages)
        self.take(phi)

    def _layer(self, layer: Layer, phi: Params) -> nn.Sequential:
        convolution = nn.Conv2d(
            layer.inputs, layer.width, layer.kernel, layer.stride, padding=layer.kernel // 2, bias=False
        )
        normalisation = fixed_normalisation(phi[f"{BODY}{layer.name}.moments"])
        self.names |= {
            f"{BODY}{layer.name}.convolution": convolution.weight,
            f"{BODY}{layer.name}.scale": normalisation.weight,
            f"{BODY}{layer.name}.shift": normalisation.bias,
        }
        return nn.Sequential(convolution, normalisation)


class _PlainStage(nn.Module):
    def __init__(self, row: list[nn.Sequential], around: nn.Module | None, *, rectifies: bool) -> None:
        super().__init__()
        self.row, self.around, self.rectifies = nn.ModuleList(row), around, rectifies

    def forward(self, images: Tensor) -> Tensor:
        maps = images
        for number, layer in enumerate(self.row, start=1):
            maps = layer(maps)
            maps = maps.relu() if number < len(self.row) else maps
        maps = maps if self.around is None else maps + self.around(images)
        return maps.relu() if self.rectifies else maps
