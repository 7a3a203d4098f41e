"""An ensemble: separately trained backbones, each describing an image by features of its own."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from models.backbones.backbone import Backbone, Params, part
from models.backbones.depths import joined
from models.backbones.normalisation import NormalisationKind


@dataclass(frozen=True)
class Ensemble:
    """Several backbones as one, a function of the parameters of all.

    Networks from different training runs make different errors, which average out (Dvornik et al. 2019, on
    ensembles of few-shot classifiers). Their features stand side by side, so squared distances are the means of
    the members'.

    Parameters are named ``member{m}.`` (m from 1) followed by the member's own name for them.

    Attributes:
        members: at least two, of the same input and normalisation, each with features of length 1, so that all
            count equally.
        features: D, the sum of the members' numbers of features.
    """

    members: tuple[Backbone, ...]
    features: int = field(init=False)

    def __post_init__(self) -> None:
        """Raise ValueError for members that do not fit together."""
        object.__setattr__(self, "members", tuple(self.members))
        if len(self.members) < 2:
            raise ValueError(f"an ensemble has at least 2 members, not {len(self.members)}")
        if len({(one.channels, one.side, one.normalisation) for one in self.members}) > 1:
            raise ValueError("the members of an ensemble must agree in channels, side and normalisation")
        if self.normalisation == "support":
            raise ValueError("the members of an ensemble take group or running normalisation")
        if not all(one.unit for one in self.members):
            raise ValueError("the members of an ensemble have features of length 1: set unit to true")
        object.__setattr__(self, "features", sum(one.features for one in self.members))

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return self.members[0].channels

    @property
    def side(self) -> int:
        """Side of the square input in pixels."""
        return self.members[0].side

    @property
    def normalisation(self) -> NormalisationKind:
        """The normalisation of all members."""
        return self.members[0].normalisation

    @property
    def unit(self) -> bool:
        """Always true: features have length 1, as the members' have."""
        return True

    @property
    def operations(self) -> int:
        """Floating-point operations of all members' convolutions for one image."""
        return sum(one.operations for one in self.members)

    @property
    def normalised(self) -> dict[str, int]:
        """Channels of each normalisation, member after member."""
        return {f"{at}{name}": width for at, one in self.named() for name, width in one.normalised.items()}

    def named(self) -> Iterator[tuple[str, Backbone]]:
        """Each member with the prefix of its parameters' names."""
        return ((f"member{number}.", one) for number, one in enumerate(self.members, start=1))

    def initial(self, generator: torch.Generator) -> Params:
        """Draw fresh parameters."""
        return {
            f"{at}{name}": value for at, one in self.named() for name, value in one.initial(generator).items()
        }

    def is_per_task(self, params: Params) -> bool:
        """Whether each task has parameters of its own."""
        return any(one.is_per_task(part(params, at)) for at, one in self.named())

    def __call__(
        self,
        params: Params,
        images: Tensor,
        *,
        weights: Tensor | None = None,
        seen: Tensor | None = None,
        pooled: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Compute features (see ``models.backbones.backbone.Backbone``)."""
        found = [
            one(part(params, at), images, weights=weights, seen=seen, pooled=pooled) for at, one in self.named()
        ]
        moments = [taken for _, taken in found if taken is not None]
        return joined([features for features, _ in found]), torch.cat(moments, -1) if moments else None
