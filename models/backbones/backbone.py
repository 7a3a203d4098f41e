"""What a backbone is to the rest: a function from images to features, of parameters kept by name."""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from models.backbones.normalisation import NormalisationKind
from models.kernels.patch_products import as_kernels, as_matrices

Params = dict[str, Tensor]

MOMENTS = "moments"
STRUCTURE = "structure."


class Backbone(Protocol):
    """A network without its head, as a pure function of its parameters, batched over tasks.

    A parameter may have a task dimension in front, when each task has one of its own. Those whose names end with
    ``.moments`` are constants of ``running`` normalisation, which no gradient moves; those whose names begin with
    ``structure.`` say what network it is, which the outer loop moves and no task.
    """

    @property
    def channels(self) -> int:
        """Of the input."""

    @property
    def side(self) -> int:
        """Pixels of the input."""

    @property
    def features(self) -> int:
        """D, numbers that describe an image."""

    @property
    def normalisation(self) -> NormalisationKind:
        """By which statistics maps are normalised (see ``models.backbones.normalisation``)."""

    @property
    def unit(self) -> bool:
        """Whether features have length 1."""

    @property
    def operations(self) -> int:
        """Floating-point operations of all convolutions for one image, a product and a sum counted as two."""

    @property
    def normalised(self) -> dict[str, int]:
        """Channels of each normalisation, by the name of its ``running`` constants, in the order of the pass."""

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
            weights: ``[T, B]`` of a support set, whose moments are then taken; None for queries.
            seen: for ``support`` normalisation of queries, the moments that the support set gave.
            pooled: while training ``running`` normalisation: normalise by the moments of all these images
                together and answer with them (Ioffe and Szegedy 2015, algorithm 1). Each image is then seen
                once, as it is: training changes its images at random.

        Returns:
            Features ``[T, B, D]``, and the moments ``[2, T, sum of the normalised channels]`` where ``weights``
            asked for them and the normalisation uses them (``support``), or ``[2, 1, sum]`` where ``pooled``
            did.
        """


def fresh_layer(
    name: str, inputs: int, width: int, kernel: int, generator: torch.Generator, *, running: bool
) -> Params:
    """Draw a convolution (He et al. 2015, eq. 10) and its normalisation, ``running`` or not, under ``name``."""
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
    """Whether a parameter of this name holds statistics, which no gradient moves."""
    return name.endswith(f".{MOMENTS}")


def is_inner_constant(name: str) -> bool:
    """Whether the inner loop leaves a parameter of this name as it is: statistics, and structure."""
    return is_constant(name) or name.startswith(STRUCTURE)


def part(params: Mapping[str, Tensor], prefix: str) -> Params:
    """Those of phi, or of a body, under ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}


def laid_out(params: Params) -> Params:
    """Lay kernels out as they move fastest."""
    return {
        name: as_kernels(as_matrices(value).contiguous()) if value.ndim == 4 else value
        for name, value in params.items()
    }


def for_tasks(params: Params, tasks: int) -> Params:
    """Give each task the parameters as its own to move."""
    return {
        name: value if is_inner_constant(name) else _for_tasks(value, tasks) for name, value in params.items()
    }


def _for_tasks(value: Tensor, tasks: int) -> Tensor:
    if value.ndim != 4:
        return value.expand(tasks, *value.shape)
    # Expanded as matrices: so the tasks' gradients are added up in the order in which they lie in memory.
    return as_kernels(as_matrices(value).expand(tasks, -1, -1, -1, -1))
