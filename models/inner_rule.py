"""Inner rules: which parameters the inner loop moves, and at which rates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from models import curvature
from models.backbones.backbone import Params

Moves = Literal["all", "head", "body", "nothing"]
Rates = Literal["one", "layer-step", "parameter", "curvature", "gate"]
Budget = Literal["fixed", "held-out"]


@dataclass(frozen=True)
class InnerRule:
    """Gradient steps on the support loss.

    Attributes:
        moves: ``all`` parameters of the network (MAML, Finn et al. 2017, eq. 1), the ``head`` alone (ANIL,
            Raghu et al. 2020), the ``body`` alone, its features towards the head's start (BOIL, Oh et al.
            2021), or ``nothing`` (the head's start is the answer: prototype networks, ridge regression, SVM).
        steps: inner steps that meta-training unrolls, and the default at request time.
        rates: ``one`` learned rate; one for each tensor and step, ``layer-step`` (MAML++, Antoniou et al. 2019,
            section 4); one for each ``parameter`` (Meta-SGD, Li et al. 2017, eq. 2), which all classes of a head
            share; one learned rate times gradients that learned matrices change, ``curvature`` (Park and
            Oliva 2019; see ``models.curvature``); or a ``gate`` for each tensor, a rate that is 0 where what is
            learned is negative, so that learning decides which layers adapt at all (von Oswald et al. 2021,
            sparse-ReLU-MAML, by tensor instead of by parameter).
        initial_rate: where each rate starts.
        budget: ``fixed`` takes all steps; ``held-out`` takes, once meta-trained, as many of them as pay on a
            task's own examples when these are held out (see ``models.inner_budget``).
    """

    moves: Moves = "all"
    steps: int = 1
    rates: Rates = "layer-step"
    initial_rate: float = 0.1
    budget: Budget = "fixed"

    def __post_init__(self) -> None:
        """Refuse rules that contradict themselves."""
        if self.moves not in get_args(Moves):
            raise ValueError(f"what moves must be {', '.join(get_args(Moves))}, not {self.moves!r}")
        if self.rates not in get_args(Rates):
            raise ValueError(f"rates must be {', '.join(get_args(Rates))}, not {self.rates!r}")
        if (self.moves == "nothing") != (self.steps == 0):
            raise ValueError("a rule that moves nothing has 0 steps, and any other at least 1")
        if self.steps < 0 or not self.initial_rate > 0:
            raise ValueError("steps must not be negative and the initial rate must be positive")
        if self.budget not in ("fixed", "held-out"):
            raise ValueError(f"the budget must be fixed or held-out, not {self.budget!r}")

    @property
    def moves_body(self) -> bool:
        """Whether the backbone's parameters move."""
        return self.moves in ("all", "body")

    @property
    def moves_head(self) -> bool:
        """Whether the head's parameters move."""
        return self.moves in ("all", "head")

    def initial(self, movable: Mapping[str, torch.Size]) -> Params:
        """The rates' part of phi.

        Args:
            movable: shapes of what moves by name, without a task's or a class's dimension.

        Returns:
            ``rate`` (``one``, ``curvature``), or by name ``[steps]`` (``layer-step``), the shape (``parameter``)
            or a scalar (``gate``); and ``curvature``'s matrices.
        """
        if self.moves == "nothing":
            return {}
        first = float(self.initial_rate)  # of a 1, as YAML may have it, torch would make whole numbers
        if self.rates == "layer-step":
            return {name: torch.full((self.steps,), first) for name in movable}
        if self.rates == "parameter":
            return {name: torch.full(shape, first) for name, shape in movable.items()}
        if self.rates == "gate":
            return {name: torch.tensor(first) for name in movable}
        rates = {"rate": torch.tensor(first)}
        if self.rates == "curvature":
            for name, shape in movable.items():
                rates |= curvature.initial(name, shape)
        return rates

    def rate(self, phi: Params, name: str, step: int) -> Tensor:
        """The rates of one tensor at one step; steps past the unrolled ones keep the last step's rate.

        Args:
            phi: the rates' part, as ``initial`` names it; each of its tensors may have a task dimension in front.
            name: of the tensor.
            step: from 0.
        """
        if self.rates == "layer-step":
            return phi[name][..., min(step, self.steps - 1)]
        if self.rates == "gate":
            opened: Tensor = _Gate.apply(phi[name])  # type: ignore[no-untyped-call]
            return opened
        return phi[name if self.rates == "parameter" else "rate"]

    def direction(self, phi: Params, name: str, gradient: Tensor) -> Tensor:
        """Against which direction a tensor of gradient ``[T, ...]`` moves."""
        return curvature.curved(phi, name, gradient) if self.rates == "curvature" else gradient


class _Gate(torch.autograd.Function):
    """What is positive; the gradient passes what is not as well, so that a closed gate can open again."""

    @staticmethod
    def forward(_ctx: Any, learned: Tensor) -> Tensor:
        return learned.clamp_min(0)

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> Tensor:
        return gradient
