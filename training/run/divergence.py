"""Training that has diverged, reported in place of whatever error it causes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from models.backbones.backbone import Params
from training.recipe import RecipeError


class Diverged(RecipeError):
    """Training has made phi unusable as an initialization.

    Attributes:
        found: what was found, and at which step.
    """

    def __init__(self, found: str) -> None:
        super().__init__(
            f"training has diverged: {found}; "
            "lower outer.learning_rate, or learner.rule.initial_rate, and start in another --out"
        )
        self.found = found


def check_finite(phi: Params, step: int) -> None:
    """Refuse to continue from a phi that is not finite: no later step could repair it.

    Raises:
        Diverged: if any number of phi is not finite.
    """
    if not all(bool(torch.isfinite(value).all()) for value in phi.values()):
        raise Diverged(f"at step {step} phi holds numbers that are not finite")


@contextmanager
def divergence_told(phi: Params, step: Callable[[], int]) -> Iterator[None]:
    """Report divergence where torch refuses to compute with the results of a diverging phi.

    Args:
        phi: the parameters that training updates in place.
        step: gives the number of outer steps done.

    Raises:
        Diverged: in place of a RuntimeError, if phi is not finite, or if a linear system of the head, which any
            ordinary phi makes solvable, has no solution.
    """
    try:
        yield
    except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
        raise Diverged(f"at step {step()} the equations of the head have no solution ({error})") from error
    except RuntimeError:
        check_finite(phi, step())
        raise
