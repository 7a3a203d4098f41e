"""Training that has diverged, which is told in place of whatever fails because of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from models.backbones.backbone import Params
from training.recipe import RecipeError


class Diverged(RecipeError):
    """No initialization can be made of what phi has become.

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
    """Refuse to go on with a phi that no initialization could be made of, nor of any that would follow it.

    Raises:
        Diverged: where numbers are not finite.
    """
    if not all(bool(torch.isfinite(value).all()) for value in phi.values()):
        raise Diverged(f"at step {step} phi holds numbers that are not finite")


@contextmanager
def divergence_told(phi: Params, step: Callable[[], int]) -> Iterator[None]:
    """Tell of divergence where torch refuses to compute with what a diverging phi gives.

    Args:
        phi: as it is then.
        step: gives the number of the last outer step that was done.

    Raises:
        Diverged: in place of a RuntimeError, where phi is not finite or a system of equations, which any usual
            phi makes solvable, is not.
    """
    try:
        yield
    except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
        raise Diverged(f"at step {step()} the equations of the head have no solution ({error})") from error
    except RuntimeError:
        check_finite(phi, step())
        raise
