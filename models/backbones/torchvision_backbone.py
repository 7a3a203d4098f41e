"""torchvision's classification networks as backbones, with all weights in phi, so serving downloads nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.func import functional_call

from models.backbones.backbone import MOMENTS, Params, is_constant
from models.backbones.normalisation import NormalisationKind
from models.backbones.torchvision_network import batch_norms, headless, size_of, skeleton
from models.kernels.layouts import channels_innermost

_MEAN, _VARIANCE = "running_mean", "running_var"


@dataclass(frozen=True)
class TorchvisionBackbone:
    """A network of ``torchvision.models`` without its last layer, as a function of its parameters.

    It computes in evaluation mode: there is no dropout, and the statistics of batch normalisation are constants.
    Parameters have torchvision's names, and each may have a leading task dimension; the statistics of a batch
    normalisation ``n`` are the constant ``n.moments`` ``[2, channels]``, means and variances.

    Attributes:
        model: torchvision's name of it, for example ``resnet18``.
        side: of the square input, in pixels.
        unit: whether features are scaled to length 1, so that distances compare directions.
        features: D, the number of features of an image, worked out from the above.
    """

    model: str
    side: int = 224
    unit: bool = False
    features: int = field(init=False)

    def __post_init__(self) -> None:
        """Count the features; raise ValueError for unknown networks, and sides that they cannot take."""
        object.__setattr__(self, "features", size_of(self.model, self.side)[0])

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return 3

    @property
    def normalisation(self) -> NormalisationKind:
        """``running`` for batch normalisation; other networks normalise each image alone, as ``group`` does."""
        return "running" if self.normalised else "group"

    @property
    def operations(self) -> int:
        """Floating-point operations of convolutions and matrix products for one image; a multiply-add is two."""
        return size_of(self.model, self.side)[1]

    @property
    def normalised(self) -> dict[str, int]:
        """Channels of each batch normalisation, by the name of its constants."""
        norms = batch_norms(skeleton(self.model))
        return {f"{name}.{MOMENTS}": norm.num_features for name, norm in norms.items()}

    def initial(self, generator: torch.Generator) -> Params:
        """Draw fresh parameters, as torchvision does."""
        seed = int(torch.randint(2**62, (), generator=generator))
        return self.params_of(headless(self.model, seed).state_dict())

    def params_of(self, state: Mapping[str, Tensor]) -> Params:
        """Convert a network's state to phi's names, without its last layer and its counts of batches.

        Raises:
            ValueError: if a tensor is missing or of another shape.
        """
        network = skeleton(self.model)
        shapes = {name: value.shape for name, value in network.named_parameters()}
        for name, norm in batch_norms(network).items():
            shapes |= {f"{name}.{kind}": torch.Size([norm.num_features]) for kind in (_MEAN, _VARIANCE)}
        for name, shape in shapes.items():
            if name not in state or state[name].shape != shape:
                found = list(state[name].shape) if name in state else "absent"
                raise ValueError(f"{name} should be {list(shape)}, is {found}: no weights of {self.model}")
        params = {name: state[name].detach().clone() for name, _ in network.named_parameters()}
        for name in batch_norms(network):
            params[f"{name}.{MOMENTS}"] = torch.stack([state[f"{name}.{kind}"] for kind in (_MEAN, _VARIANCE)])
        return params

    def is_per_task(self, params: Params) -> bool:
        """Whether each task has parameters of its own."""
        name, value = next(skeleton(self.model).named_parameters())
        return params[name].ndim > value.ndim

    def __call__(
        self,
        params: Params,
        images: Tensor,
        *,
        weights: Tensor | None = None,  # noqa: ARG002 - only support normalisation uses this and the next
        seen: Tensor | None = None,  # noqa: ARG002
        pooled: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Compute features (see ``Backbone``); no moments are taken of a support set.

        Raises:
            ValueError: for ``pooled`` with parameters of each task's own.
        """
        if self.is_per_task(params):
            if pooled:
                raise ValueError("moments of all tasks together take parameters that all of them share")
            parted = [
                {name: value if is_constant(name) else value[task] for name, value in params.items()}
                for task in range(len(images))
            ]
            each = [self._features(*one, pooled=False)[0] for one in zip(parted, images, strict=True)]
            return torch.stack(each), None
        features, moments = self._features(params, images.flatten(0, 1), pooled=pooled)
        return features.view(*images.shape[:2], -1), moments

    def _features(self, params: Params, images: Tensor, *, pooled: bool) -> tuple[Tensor, Tensor | None]:
        """Features ``[B, D]`` of images ``[B, C, H, W]``, and the moments ``[2, 1, sum]`` where ``pooled``."""
        network = skeleton(self.model)
        lent = {name: value for name, value in params.items() if not is_constant(name)}
        taken: list[Tensor] = []
        for name, norm in batch_norms(network).items():
            norm.train(pooled)  # in training mode, it writes the batch's moments to the tensors lent
            constants = params[f"{name}.{MOMENTS}"]
            taken.append(torch.zeros_like(constants) if pooled else constants)
            lent[f"{name}.{_MEAN}"], lent[f"{name}.{_VARIANCE}"] = taken[-1].unbind(0)
        features: Tensor = functional_call(network, lent, (channels_innermost(images),))
        if self.unit:
            wide = features.to(torch.promote_types(features.dtype, torch.float32))
            features = torch.nn.functional.normalize(wide, dim=-1)
        return features, torch.cat(taken, -1)[:, None] if pooled and taken else None
