"""The interface of a backbone: a function from images to features, with its parameters passed in by name."""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from models.backbones.normalisation import NormalisationKind
from models.kernels.layouts import as_kernels, as_matrices

Params = dict[str, Tensor]

MOMENTS = "moments"
STRUCTURE = "structure."


class Backbone(Protocol):
    """A network without its head, as a pure function of its parameters, batched over tasks.

    A parameter has a leading task dimension if each task has its own. Names ending in ``.moments`` are statistics
    (of ``running`` normalisation, for example), which no gradient moves. Names beginning with ``structure.``
    describe the structure of the network, which the outer loop moves and the inner loop does not.
    """

    @property
    def channels(self) -> int:
        """Channels of the input."""

    @property
    def side(self) -> int:
        """Side of the square input in pixels."""

    @property
    def features(self) -> int:
        """D, the number of features of an image."""

    @property
    def normalisation(self) -> NormalisationKind:
        """The statistics by which maps are normalised (see ``models.backbones.normalisation``)."""

    @property
    def unit(self) -> bool:
        """Whether features have length 1."""

    @property
    def operations(self) -> int:
        """Floating-point operations of all convolutions for one image, a product and a sum counted as two."""

    @property
    def normalised(self) -> dict[str, int]:
        """Channels of each normalisation, by the name of its ``.moments``, in the order of the forward pass."""

    def initial(self, generator: torch.Generator) -> Params:
        """Draw fresh parameters."""

    def is_per_task(self, params: Params) -> bool:
        """Whether each task has parameters of its own."""

    def __call__(
        self,
        params: Params,
        images: Tensor,
        *,
        weights: Tensor | None = None,
        seen: Tensor | None = None,
        pooled: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Compute features.

        Args:
            params: as ``initial`` names them.
            images: ``[T, B, C, H, W]``.
            weights: ``[T, B]`` for a support set, whose moments are then taken; None for queries.
            seen: for ``support`` normalisation of queries, the moments returned for the support set.
            pooled: for training with ``running`` normalisation: normalise by the moments of all these images
                together and return them (Ioffe and Szegedy 2015, algorithm 1). Views (see
                ``models.backbones.views``) are then left out, since training augments its images itself.

        Returns:
            Features ``[T, B, D]``; and moments, means then variances: ``[2, T, sum of the normalised channels]``
            for ``support`` normalisation with ``weights``, ``[2, 1, sum]`` for ``running`` normalisation with
            ``pooled``, otherwise None.
        """


def fresh_layer(
    name: str, inputs: int, width: int, kernel: int, generator: torch.Generator, *, running: bool
) -> Params:
    """Draw a convolution (He et al. 2015, eq. 10) and its normalisation, with moments if ``running``."""
    weight = torch.randn(width, inputs, kernel, kernel, generator=generator)
    params = {
        f"{name}.convolution": weight * (2.0 / (kernel**2 * inputs)) ** 0.5,
        f"{name}.scale": torch.ones(width),
        f"{name}.shift": torch.zeros(width),
    }
    if running:
        params[f"{name}.{MOMENTS}"] = torch.stack([torch.zeros(width), torch.ones(width)])
    return params


def is_constant(name: str) -> bool:
    """Whether a parameter of this name holds statistics, which no gradient ever moves."""
    return name.endswith(f".{MOMENTS}")


def is_inner_constant(name: str) -> bool:
    """Whether the inner loop leaves a parameter of this name as it is: it holds statistics or structure."""
    return is_constant(name) or name.startswith(STRUCTURE)


def part(params: Mapping[str, Tensor], prefix: str) -> Params:
    """The parameters whose names begin with ``prefix``, by their names without it."""
    return {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}


def laid_out(params: Params) -> Params:
    """Lay kernels out in memory as matrices, the order in which an inner step on them is fastest."""
    return {
        name: as_kernels(as_matrices(value).contiguous()) if value.ndim == 4 else value
        for name, value in params.items()
    }


def for_tasks(params: Params, tasks: int) -> Params:
    """Expand what the inner loop moves by a leading task dimension, as views of the same memory."""
    return {
        name: value if is_inner_constant(name) else _for_tasks(value, tasks) for name, value in params.items()
    }


def _for_tasks(value: Tensor, tasks: int) -> Tensor:
    if value.ndim != 4:
        return value.expand(tasks, *value.shape)
    # Expanded as matrices, so that the tasks' gradients are summed in the order in which they lie in memory.
    return as_kernels(as_matrices(value).expand(tasks, -1, -1, -1, -1))
