"""Inner rules: which parameters the inner loop moves, and at what rates."""

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
            Raghu et al. 2020), the ``body`` alone, so that features move towards the head's start (BOIL, Oh et
            al. 2021), or ``nothing`` (the head's start is used as it is: prototypical networks, ridge regression,
            SVM).
        steps: inner steps that meta-training unrolls, and the default at request time.
        rates: ``one``: a single learned rate; ``layer-step``: one for each tensor and step (MAML++, Antoniou et
            al. 2019, section 4); ``parameter``: one for each parameter, shared by all classes of a head
            (Meta-SGD, Li et al. 2017, eq. 2); ``curvature``: a single learned rate, and gradients multiplied by
            learned matrices (Park and Oliva 2019; see ``models.curvature``); ``gate``: one for each tensor, and 0
            if the learned number is negative, so that learning decides which layers adapt at all (von Oswald et
            al. 2021, sparse-ReLU-MAML, by tensor instead of by parameter).
        initial_rate: the value at which every rate starts.
        budget: ``fixed`` takes all steps; ``held-out``, outside meta-training, takes as many as improve
            predictions on a task's own examples when held out (see ``models.inner_budget``). What cannot be
            decided so takes no step or, from a ``shared`` head, all of them.
    """

    moves: Moves = "all"
    steps: int = 1
    rates: Rates = "layer-step"
    initial_rate: float = 0.1
    budget: Budget = "fixed"

    def __post_init__(self) -> None:
        """Raise ValueError for unknown choices, and for rules that contradict themselves."""
        if self.moves not in get_args(Moves):
            raise ValueError(f"what moves must be {', '.join(get_args(Moves))}, not {self.moves!r}")
        if self.rates not in get_args(Rates):
            raise ValueError(f"rates must be {', '.join(get_args(Rates))}, not {self.rates!r}")
        if (self.moves == "nothing") != (self.steps == 0):
            raise ValueError("a rule that moves nothing has 0 steps, and any other at least 1")
        if self.steps < 0 or not self.initial_rate > 0:
            raise ValueError("steps must not be negative and the initial rate must be positive")
        if self.budget not in get_args(Budget):
            raise ValueError(f"the budget must be {' or '.join(get_args(Budget))}, not {self.budget!r}")

    @property
    def moves_body(self) -> bool:
        """Whether the backbone's parameters move."""
        return self.moves in ("all", "body")

    @property
    def moves_head(self) -> bool:
        """Whether the head's parameters move."""
        return self.moves in ("all", "head")

    def initial(self, movable: Mapping[str, torch.Size]) -> Params:
        """The rates' part of phi at the start of meta-training.

        Args:
            movable: shapes, by name, of the tensors that move, without task or class dimension.

        Returns:
            For ``one`` and ``curvature``, the scalar ``rate``, and the matrices of the latter (see
            ``models.curvature``). For the others, a tensor under each name of ``movable``: ``[steps]`` for
            ``layer-step``, the given shape for ``parameter``, a scalar for ``gate``. Empty if nothing moves.
        """
        if self.moves == "nothing":
            return {}
        first = float(self.initial_rate)  # YAML may give the integer 1, which would make integer tensors
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
        """The rates of one tensor at one step; steps beyond the unrolled ones use the last step's rate.

        Args:
            phi: the rates' part, as ``initial`` names it; each tensor may have a leading task dimension.
            name: of the tensor that moves.
            step: from 0.
        """
        if self.rates == "layer-step":
            return phi[name][..., min(step, self.steps - 1)]
        if self.rates == "gate":
            opened: Tensor = _Gate.apply(phi[name])  # type: ignore[no-untyped-call]
            return opened
        return phi[name if self.rates == "parameter" else "rate"]

    def direction(self, phi: Params, name: str, gradient: Tensor) -> Tensor:
        """The direction against which a tensor with gradient ``[T, ...]`` moves: the gradient, or curved."""
        return curvature.curved(phi, name, gradient) if self.rates == "curvature" else gradient


class _Gate(torch.autograd.Function):
    """ReLU whose gradient also passes where the input is negative, so that a closed gate can open again."""

    @staticmethod
    def forward(_ctx: Any, learned: Tensor) -> Tensor:
        return learned.clamp_min(0)

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> Tensor:
        return gradient
