"""All structures of a space in one network, mixed by learned probabilities."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from models.backbones.backbone import STRUCTURE, Params, part
from models.backbones.normalisation import NormalisationKind
from models.kernels.any_convolution import convolve_by
from training.structure.mixed_norm import mixed_norm
from training.structure.space import Choices, Space


@dataclass(frozen=True)
class Supernet:
    """A backbone (see ``models.backbones.backbone.Backbone``) whose blocks are weighted sums of candidates.

    The candidates of a block are summed before its ReLU, weighted by the product of their probabilities along
    the axes (Liu et al. 2019, eq. 2, which sums after it). Before it, all candidates together take one
    convolution, of the largest kernel and width, because convolving is linear in its kernel, and one
    normalisation (see ``mixed_norm``). If one option of each axis is certain, this is the ``Staged`` that
    ``Space.backbone`` returns, its features followed by zeros.

    Parameters are ``stage{s}.kernel{k}`` ``[W, in, k, k]``, ``stage{s}.scale`` and ``.shift`` ``[W]``,
    ``stage{s}.skip.convolution`` ``[W, in, 1, 1]``, ``.skip.scale`` and ``.skip.shift``, with W the largest width
    of stage s; each may have a task dimension in front. Those under ``structure.`` (see ``Space.undecided``) may
    not, because the inner loop does not move them.

    Attributes:
        space: of the structures.
        drawn: take the likeliest options as certain (see ``Space.draws``) instead of mixing all.
    """

    space: Space
    drawn: bool = False
    normalisation: NormalisationKind = field(default="group", init=False)

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return self.space.channels

    @property
    def side(self) -> int:
        """Side of the input in pixels."""
        return self.space.side

    @property
    def features(self) -> int:
        """D, the last stage's largest width."""
        return max(self.space.widths[-1])

    @property
    def unit(self) -> bool:
        """Whether features have length 1."""
        return self.space.unit

    @property
    def normalised(self) -> dict[str, int]:
        """Empty, because group normalisation has no constants."""
        return {}

    @property
    def operations(self) -> int:
        """Floating-point operations of the mixture for one image: the largest kernels and widths, all skips."""
        inputs, total = self.channels, 0
        for widths, side in zip(self.space.widths, self.space.sides(), strict=True):
            total += 2 * inputs * max(widths) * side**2 * (max(self.space.kernels) ** 2 + any(self.space.skips))
            inputs = max(widths)
        return total

    def initial(self, generator: torch.Generator) -> Params:
        """Draw fresh weights (He et al. 2015, eq. 10) and a structure that prefers nothing."""
        params: Params = {}
        inputs = self.channels
        for number, widths in enumerate(self.space.widths, start=1):
            stage, width = f"stage{number}", max(widths)
            for size in self.space.kernels:
                weight = torch.randn(width, inputs, size, size, generator=generator)
                params[f"{stage}.kernel{size}"] = weight * (2.0 / (size**2 * inputs)) ** 0.5
            params |= {f"{stage}.scale": torch.ones(width), f"{stage}.shift": torch.zeros(width)}
            if any(self.space.skips):
                weight = torch.randn(width, inputs, 1, 1, generator=generator)
                params[f"{stage}.skip.convolution"] = weight * (2.0 / inputs) ** 0.5
                params |= {f"{stage}.skip.scale": torch.ones(width), f"{stage}.skip.shift": torch.zeros(width)}
            inputs = width
        return params | self.space.undecided()

    def is_per_task(self, params: Params) -> bool:
        """Whether each task has parameters of its own."""
        return params["stage1.scale"].ndim == 2

    def __call__(
        self,
        params: Params,
        images: Tensor,
        *,
        weights: Tensor | None = None,  # noqa: ARG002 - group normalisation needs no moments
        seen: Tensor | None = None,  # noqa: ARG002
        pooled: bool = False,  # noqa: ARG002
    ) -> tuple[Tensor, Tensor | None]:
        """Compute features (see ``models.backbones.backbone.Backbone``)."""
        maps = images
        if self.drawn and not any(value.requires_grad for value in part(params, STRUCTURE).values()):
            return self._of_drawn(params, images), None
        mixed = self.space.draws(params) if self.drawn else self.space.probabilities(params)
        for stage, choices in enumerate(mixed):
            maps = self._stage(stage, choices, params, maps)
        features = maps.mean((3, 4))
        return torch.nn.functional.normalize(features, dim=-1) if self.unit else features, None

    def cut(self, params: Params, chosen: list[dict[str, int]]) -> Params:
        """Select the weights of one structure (see ``Space.backbone``), named as ``Staged`` names them."""
        found: Params = {}
        inputs = self.channels
        for number, stage in enumerate(self.space.backbone(chosen).stages, start=1):
            layer, width = f"stage{number}", stage.width
            parts = {"1": (f"{layer}.kernel{stage.kernel}", layer)}
            if stage.skip:
                parts["skip"] = (f"{layer}.skip.convolution", f"{layer}.skip")
            for name, (kernel, affine) in parts.items():
                found[f"{layer}.{name}.convolution"] = params[kernel][..., :width, :inputs, :, :]
                for kind in ("scale", "shift"):
                    found[f"{layer}.{name}.{kind}"] = params[f"{affine}.{kind}"][..., :width]
            inputs = width
        return found

    def _of_drawn(self, params: Params, images: Tensor) -> Tensor:
        """Compute features without a gradient for the structure, so that only what is drawn need be computed."""
        probabilities = self.space.probabilities(params)
        chosen = [{axis: int(value.argmax()) for axis, value in one.items()} for one in probabilities]
        features, _ = self.space.backbone(chosen)(self.cut(params, chosen), images)
        features = torch.nn.functional.pad(features, (0, self.features - features.shape[-1]))
        # The inner loop asks for every weight's gradient, which is 0 for those not drawn.
        weights = [value for name, value in params.items() if not name.startswith(STRUCTURE)]
        return features + 0 * torch.stack([value.sum() for value in weights]).sum()

    def _stage(self, stage: int, choices: Choices, params: Params, maps: Tensor) -> Tensor:
        def normalised(found: Tensor, layer: str) -> Tensor:
            options = self.space.widths[stage], self.space.groups
            affine = params[f"{layer}.scale"], params[f"{layer}.shift"]
            return mixed_norm(found, *affine, *options, choices["width"], choices["groups"])

        layer = f"stage{stage + 1}"
        mixed = normalised(convolve_by(maps, self._kernel(layer, choices["kernel"], params), 2), layer)
        if any(self.space.skips):
            around = convolve_by(maps, params[f"{layer}.skip.convolution"], 2)
            taken = choices["skip"][self.space.skips.index(True)]
            mixed = mixed + taken * normalised(around, f"{layer}.skip")
        return mixed.relu()

    def _kernel(self, layer: str, probabilities: Tensor, params: Params) -> Tensor:
        largest = max(self.space.kernels)
        total: Tensor | None = None
        for size, likely in zip(self.space.kernels, probabilities.unbind(), strict=True):
            room = (largest - size) // 2
            padded = likely * torch.nn.functional.pad(params[f"{layer}.kernel{size}"], (room,) * 4)
            total = padded if total is None else total + padded
        assert total is not None, "a space has kernels"
        return total
