"""What the baselines' networks, built of torch's own modules, have in common."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.backbones.backbone import Params
from models.backbones.depths import away_from, joined
from models.backbones.views import View, see


class PlainNetwork(nn.Module):
    """Maps by ``self.blocks``, features from them, and their mean over views."""

    blocks: nn.Sequential

    def __init__(
        self,
        views: tuple[View, ...],
        *,
        averages: bool,
        unit: bool,
        centre: Tensor | None = None,
        weights: Sequence[float] = (1.0,),
    ) -> None:
        """Take how features come from maps; subclasses put parameters into ``names``, by their names in phi."""
        super().__init__()
        self.names: Params = {}
        self._views, self._averages, self._unit = views, averages, unit
        self._centre, self._weights = centre, weights

    def take(self, phi: Params) -> None:
        """Copy the parameters that ``names`` lists."""
        with torch.no_grad():
            for name, parameter in self.names.items():
                parameter.copy_(phi[name])

    def forward(self, images: Tensor) -> Tensor:
        """Features ``[B, D]`` of images ``[B, C, H, W]``."""
        seen = see(images[None], self._views)[0] if self._views else images
        parts = [self._described(maps) for maps in self.maps(seen)]
        features = joined(parts, self._weights)
        if self._centre is None:
            return features
        return away_from(self._centre, features, [part.shape[-1] for part in parts], self._weights)

    def maps(self, images: Tensor) -> list[Tensor]:
        """The last maps, then any others that features are made of."""
        return [self.blocks(images)]

    def _described(self, maps: Tensor) -> Tensor:
        features = maps.mean((2, 3)) if self._averages else maps.flatten(1)
        features = nn.functional.normalize(features, dim=-1) if self._unit else features
        if not self._views:
            return features
        features = features.unflatten(0, (-1, len(self._views))).mean(1)
        return nn.functional.normalize(features, dim=-1) if self._unit else features


def fixed_normalisation(moments: Tensor) -> nn.BatchNorm2d:
    """Batch normalisation by constants ``[2, C]``, means and then variances; in evaluation mode."""
    fixed = nn.BatchNorm2d(moments.shape[1])
    assert fixed.running_mean is not None
    assert fixed.running_var is not None
    fixed.running_mean.copy_(moments[0])
    fixed.running_var.copy_(moments[1])
    return fixed.eval()
