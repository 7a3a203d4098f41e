"""What the baselines' networks in torch's own modules have in common."""

import torch
from torch import Tensor, nn

from models.backbone import Params
from models.views import View, see

BODY = "body."


class PlainNetwork(nn.Module):
    """Maps by ``self.blocks``, features from them, and their mean over views."""

    blocks: nn.Module

    def __init__(
        self, views: tuple[View, ...], *, averages: bool, unit: bool, centre: Tensor | None = None
    ) -> None:
        """Take how features come from maps; ``names`` is to hold the parameters by their names in phi."""
        super().__init__()
        self.names: Params = {}
        self._views, self._averages, self._unit, self._centre = views, averages, unit, centre

    def take(self, phi: Params) -> None:
        """Copy the parameters that ``names`` lists."""
        with torch.no_grad():
            for name, parameter in self.names.items():
                parameter.copy_(phi[name])

    def forward(self, images: Tensor) -> Tensor:
        """Features ``[B, D]`` of images ``[B, C, H, W]``."""
        features = self._of_views(images)
        return features if self._centre is None else nn.functional.normalize(features - self._centre, dim=-1)

    def _of_views(self, images: Tensor) -> Tensor:
        if not self._views:
            return self._features(images)
        of_views = self._features(see(images[None], self._views)[0])
        features = of_views.unflatten(0, (-1, len(self._views))).mean(1)
        return nn.functional.normalize(features, dim=-1) if self._unit else features

    def _features(self, images: Tensor) -> Tensor:
        maps = self.blocks(images)
        features = maps.mean((2, 3)) if self._averages else maps.flatten(1)
        return nn.functional.normalize(features, dim=-1) if self._unit else features


def fixed_normalisation(moments: Tensor) -> nn.BatchNorm2d:
    """Batch normalisation by constants ``[2, C]``, whatever mode the network is in."""
    fixed = nn.BatchNorm2d(moments.shape[1])
    assert fixed.running_mean is not None
    assert fixed.running_var is not None
    fixed.running_mean.copy_(moments[0])
    fixed.running_var.copy_(moments[1])
    return fixed.eval()
