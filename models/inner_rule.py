"""Inner rules: which parameters the inner loop moves, and at which rates."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from models.conv4 import Params

Moves = Literal["all", "head", "nothing"]
Rates = Literal["one", "layer-step"]
Budget = Literal["fixed", "held-out"]


@dataclass(frozen=True)
class InnerRule:
    """Gradient steps on the support loss.

    Attributes:
        moves: ``all`` parameters of the network (MAML, Finn et al. 2017, eq. 1), the ``head`` alone (ANIL,
            Raghu et al. 2020), or ``nothing`` (the head's start is the answer: prototype networks).
        steps: inner steps that meta-training unrolls, and the default at request time.
        rates: ``one`` learned rate, or one for each tensor and step (MAML++, Antoniou et al. 2019, section 4).
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
        if (self.moves == "nothing") != (self.steps == 0):
            raise ValueError("a rule that moves nothing has 0 steps, and any other at least 1")
        if self.steps < 0 or self.initial_rate <= 0:
            raise ValueError("steps must not be negative and the initial rate must be positive")
        if self.budget not in ("fixed", "held-out"):
            raise ValueError(f"the budget must be fixed or held-out, not {self.budget!r}")

    def initial(self, movable: list[str]) -> Params:
        """The rates' part of phi: scalars, or ``[steps]`` for each movable tensor's name."""
        if self.moves == "nothing":
            return {}
        if self.rates == "one":
            return {"rate": torch.tensor(self.initial_rate)}
        return {name: torch.full((self.steps,), self.initial_rate) for name in movable}

    def rate(self, phi: Params, name: str, step: int) -> Tensor:
        """The rate of one tensor at one step; steps past the unrolled ones keep the last step's rate."""
        if self.rates == "one":
            return phi["rate"]
        return phi[name][min(step, self.steps - 1)]
