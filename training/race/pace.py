"""Finds by a short trial how many outer steps an algorithm takes in the seconds that a race gives it."""

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import torch

from training.comparison.kept import read
from training.datasets.class_images import ClassImages
from training.recipe import Recipe
from training.run.divergence import divergence_told
from training.run.trainer import Trainer
from training.whole_file import write_whole

_SHARE = 1 / 20  # of the given seconds for a trial: long, because a shared machine's speed varies
_UNTIMED, _LEAST = 2, 2  # steps; the first ones allocate memory and set up kernels
_NO_END = 10**9


@dataclass(frozen=True)
class Pace:
    """The result of a trial.

    Attributes:
        trial_steps: number of outer steps that were timed.
        seconds_of_a_step: mean seconds of these steps.
        steps: number of outer steps to train for.
    """

    trial_steps: int
    seconds_of_a_step: float
    steps: int

    @classmethod
    def kept(cls, path: Path) -> Self:
        """Read what an earlier run wrote, because a resumed training must keep its number of steps.

        Raises:
            PlanError: if the file is damaged.
        """
        return cls(**read(path))

    def keep(self, path: Path) -> None:
        """Write it for later runs."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(asdict(self)) + "\n")


class Trial(Trainer):
    """A training that is timed and then discarded."""

    def pace(self, seconds: float) -> Pace:
        """Time steps for a share of ``seconds``, and estimate how many will fill all of them.

        Raises:
            Diverged: if training has diverged.
        """
        spent: list[float] = []
        with divergence_told(self.phi, lambda: len(spent)):
            while len(spent) < _UNTIMED + _LEAST or sum(spent[_UNTIMED:]) < seconds * _SHARE:
                start = time.perf_counter()
                self._step(len(spent), self._batch(len(spent))).tolist()  # waits for a GPU
                spent.append(time.perf_counter() - start)
        timed = spent[_UNTIMED:]
        mean = sum(timed) / len(timed)
        return Pace(len(timed), mean, max(1, round(seconds / mean)))


def pace_of(
    recipe: Recipe, training: ClassImages, development: ClassImages, device: torch.device, seconds: float
) -> Pace:
    """Time an algorithm's outer steps.

    Steps at which the order of derivatives or the losses of inner steps are still annealed are few in a whole
    training, so the trial takes steps as they are afterwards.

    Raises:
        Diverged: if training has diverged.
    """
    outer = replace(recipe.outer, steps=_NO_END, first_order_until=0, multi_step_until=0)
    trial = Trial(replace(recipe, outer=outer), training, development, Path(), device=device)
    return trial.pace(seconds)
