"""What a recipe says about the search: which blocks to choose from, and how long to search."""

from dataclasses import dataclass

AS_MANY_AS_CHANNELS = 0


@dataclass(frozen=True)
class StructureSearch:
    """The search for a structure that takes no more multiply-adds than the recipe's own backbone.

    As in first-order DARTS (Liu et al. 2019, section 2.3), steps of the weights, on tasks of one half of the
    training classes, alternate with steps of the structure, on tasks of the other half, so that no structure is
    preferred for classes that its weights have seen. Both minimise the loss on queries after adaptation, with a
    structure drawn anew for each step, so that weights and choices are tried as they will be used.

    Attributes:
        kernels: sides of a convolution's kernel to choose from.
        widths: for each stage, numbers of channels to choose from; each stage halves its maps by stride.
        groups: numbers of groups to choose from for group normalisation; 0 for as many as channels.
        skips: whether to choose from blocks without a skip connection (False), with one (True), or both.
        steps: number of steps of the weights.
        warm_up: number of first steps in which the structure stays undecided. While the weights have learned
            little, narrow blocks and small kernels would win, because they learn sooner.
        tasks: number of tasks of a step of the weights.
        structure_tasks: number of tasks of a step of the structure, which computes all options.
        learning_rate: Adam's for the structure after the warm-up; it falls to 0 along half a cosine.
        decisiveness: factor of the entropy of the choices, which is added to the loss, at the end; it grows from
            0, so that what is drawn at the end is mostly what is then fixed.
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
