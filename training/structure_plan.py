"""What a recipe says of the search: from which blocks to choose, and how long."""

from dataclasses import dataclass

AS_MANY_AS_CHANNELS = 0


@dataclass(frozen=True)
class StructureSearch:
    """The search for a structure that takes no more multiply-adds than the recipe's own backbone.

    It alternates, as first-order DARTS does (Liu et al. 2019, section 2.3): a step of the weights on tasks of one
    half of the training classes, a step of the structure on tasks of the other half, so that a structure is not
    liked for classes that its weights have seen. Either goes by the loss on queries after adaptation, and by a
    structure drawn at each step, so that weights and choices are tried as they will be used.

    Attributes:
        kernels: sides that a convolution may have.
        widths: of each stage, the channels that it may have; each stage halves its maps by stride.
        groups: of group normalisation; 0 for as many as channels.
        skips: whether a way around a block may be, and may not be.
        steps: of the weights.
        warm_up: the first steps, in which the structure stays undecided. With weights that have learned little,
            narrow blocks and small kernels win, because they learn first.
        tasks: of a step of the weights.
        structure_tasks: of a step of the structure, which computes all options.
        learning_rate: Adam's for the structure after the warm-up; it falls to 0 along half a cosine.
        decisiveness: of the entropy of the choices, at the end, in units of the loss; it grows from 0, so that
            what is drawn at the end is mostly what is then fixed.
        every: steps between two records of the choices.
    """

    kernels: tuple[int, ...] = (1, 3, 5)
    widths: tuple[tuple[int, ...], ...] = ((8, 16, 32), (16, 32, 48), (32, 48, 64, 96), (32, 64, 96, 128))
    groups: tuple[int, ...] = (1, 8, AS_MANY_AS_CHANNELS)
    skips: tuple[bool, ...] = (False, True)
    steps: int = 1000
    warm_up: int = 800
    tasks: int = 8
    structure_tasks: int = 4
    learning_rate: float = 0.05
    decisiveness: float = 0.05
    every: int = 20
