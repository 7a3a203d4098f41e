"""A backbone of stages in torch's own modules, as learn2learn clones it, with the same parameters as ours."""

from torch import Tensor, nn

from benchmarks.plain_network import PlainNetwork, fixed_normalisation
from models.backbones.backbone import Params
from models.backbones.stage import Layer
from models.backbones.staged import CENTRE, SKIP, Staged
from models.learner import BODY


class PlainStaged(PlainNetwork):
    """The backbone that a ``Staged`` describes."""

    def __init__(self, backbone: Staged, phi: Params) -> None:
        """Copy the parameters ``body.*`` of phi.

        Raises:
            ValueError: if normalisation is not by running statistics.
        """
        if backbone.normalisation != "running":
            raise ValueError(f"the plain network is normalised by constants, not {backbone.normalisation!r}")
        super().__init__(
            backbone.views,
            averages=backbone.average,
            unit=backbone.unit,
            centre=phi[f"{BODY}{CENTRE}"] if backbone.centred else None,
            weights=(1.0, *(one.weight for one in backbone.earlier)),
        )
        self._earlier = [one.layer for one in backbone.earlier]
        layers = {one.name: self._layer(one, phi) for one in backbone.layers()}
        stages: list[nn.Module] = []
        for number, stage in enumerate(backbone.stages, start=1):
            name = f"stage{number}"
            row = [layers[f"{name}.{index}"] for index in range(1, stage.convolutions + 1)]
            around = layers.get(f"{name}.{SKIP}", nn.Identity()) if stage.skip else None
            after = nn.MaxPool2d(2) if stage.halving == "pool" else nn.Identity()
            stages.append(_PlainStage(row, around, after, rectifies=backbone.rectifies(number)))
        self.blocks = nn.Sequential(*stages)
        self.take(phi)

    def maps(self, images: Tensor) -> list[Tensor]:
        """The last maps, and the earlier ones that the backbone names."""
        found: dict[str, Tensor] = {}
        for number, stage in enumerate(self.blocks, start=1):
            every = stage(images)
            found |= {f"stage{number}.{index}": maps for index, maps in enumerate(every, start=1)}
            images = every[-1]
        return [images, *(found[layer] for layer in self._earlier)]

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
    def __init__(
        self, row: list[nn.Sequential], around: nn.Module | None, after: nn.Module, *, rectifies: bool
    ) -> None:
        super().__init__()
        self.row, self.around, self.after, self.rectifies = nn.ModuleList(row), around, after, rectifies

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps of each convolution, those of the last one replaced by the stage's output."""
        every = [images]
        for number, layer in enumerate(self.row, start=1):
            maps = layer(every[-1])
            every.append(maps.relu() if number < len(self.row) else maps)
        maps = every[-1] if self.around is None else every[-1] + self.around(images)
        return [*every[1:-1], self.after(maps.relu() if self.rectifies else maps)]
