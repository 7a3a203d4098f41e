"""The parts that make up a staged backbone."""

from dataclasses import dataclass
from typing import Literal, get_args

StageHalving = Literal["none", "pool", "stride"]


@dataclass(frozen=True)
class Stage:
    """Convolutions of one width, each with its normalisation and ReLU.

    Attributes:
        width: channels.
        convolutions: how many in a row.
        kernel: side of their kernels: 1, 3, 5 or 7.
        halving: ``pool`` takes the maximum over 2x2 at the end; ``stride`` lets the first convolution take every
            other position; ``none`` keeps the map's side.
        skip: whether the stage's input is added before the last ReLU, through a normalised 1x1 convolution if
            channels or sides differ (He et al. 2016, eq. 2).
        groups: number of groups of channels, for ``group`` normalisation.
    """

    width: int
    convolutions: int = 1
    kernel: int = 3
    halving: StageHalving = "pool"
    skip: bool = False
    groups: int = 8

    def __post_init__(self) -> None:
        """Raise ValueError for settings that do not fit together."""
        if self.kernel not in (1, 3, 5, 7) or self.convolutions < 1:
            raise ValueError(
                "a stage has at least 1 convolution, of side 1, 3, 5 or 7, "
                f"not {self.convolutions} of side {self.kernel}"
            )
        if self.halving not in get_args(StageHalving):
            raise ValueError(f"halving must be {', '.join(get_args(StageHalving))}, not {self.halving!r}")
        if self.groups < 1 or self.width < 1 or self.width % self.groups:
            raise ValueError(f"a stage's width {self.width} must be a multiple of its {self.groups} groups")


@dataclass(frozen=True)
class Layer:
    """One convolution of the network.

    Attributes:
        name: prefix of its parameters' names.
        inputs: channels of its input.
        width: channels of its maps.
        kernel: side of the kernel.
        stride: 1 or 2.
        incoming: side of its input.
        side: side of its maps.
    """

    name: str
    inputs: int
    width: int
    kernel: int
    stride: int
    incoming: int
    side: int


def halved(side: int, stage: Stage) -> int:
    """The side of a stage's output, for an input of side ``side``."""
    return -(-side // 2) if stage.halving == "stride" else side // 2 if stage.halving == "pool" else side
