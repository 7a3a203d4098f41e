"""The search: trial after trial, each a meta-training run measured on the validation tasks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from optuna import TrialPruned
from optuna.trial import Trial

from training.held_folder import HeldError, held
from training.recipe import Recipe
from training.run.checkpoint import CheckpointError
from training.run.interruption import Interruption
from training.run.pretrained import pretrained_start
from training.run.run_classes import RunClasses
from training.run.trainer import BUDGET, CHECKPOINT, Trainer
from training.tuning.study import Study

TRIALS = "trials"


class TimeIsUp(Exception):
    """The time given to a search is over."""


@dataclass(frozen=True)
class Search:
    """How trials are run.

    Attributes:
        classes: returns the classes of a recipe, because trials may differ in their data.
        out: the search's folder; each trial's run lies in ``trials/<its number>``, in four digits.
        device: where to compute.
        budget: bytes that the graph of a micro-batch of tasks may hold.
        until: a time of ``time.monotonic``, after which no trial begins and a running one stops at its next look;
            None for no limit.
    """

    classes: Callable[[Recipe], RunClasses]
    out: Path
    device: torch.device | str = "cpu"
    budget: int = BUDGET
    until: float | None = None

    def run(self, study: Study, trials: int, on_end: Callable[[int], None]) -> None:
        """Run trials until ``trials`` of them are done.

        Args:
            study: suggests the values of each trial and records its result.
            trials: number of trials in all, including those of earlier runs.
            on_end: called with a trial's number once it is done and recorded.

        Raises:
            KeyboardInterrupt: after Ctrl-C or SIGTERM; the current trial is saved and continues next time.
            TimeIsUp: likewise, when the time is over.
            CheckpointError: if a trial's checkpoint cannot be written or used.
            HeldError: if another process trains in a trial's folder.
        """
        with Interruption() as interruption:
            while len(study.done) < trials:
                if interruption.wanted:
                    raise KeyboardInterrupt
                self._check_time()
                number, trial = study.ask()
                try:
                    with held(self.folder(number)):
                        accuracy = self._accuracy(self._begin(study.recipe(trial), number, trial))
                except (CheckpointError, HeldError):
                    raise  # a fault of the disk, the data or another process, not of the trial's values
                except (ValueError, ArithmeticError) as fault:
                    study.refuse(trial, fault)
                else:
                    study.tell(trial, accuracy)
                on_end(number)
                self._keep_best(study)

    def folder(self, number: int) -> Path:
        """Where a trial's run lies."""
        return self.out / TRIALS / f"{number:04d}"

    def _begin(self, recipe: Recipe, number: int, trial: Trial) -> Trainer:
        def on_look(step: int, accuracy: float) -> None:
            trial.report(accuracy, step)
            if step < recipe.outer.steps and trial.should_prune():
                raise TrialPruned
            self._check_time()

        classes = self.classes(recipe)
        return Trainer(
            recipe,
            classes.episodes,
            classes.validation,
            self.folder(number),
            device=self.device,
            budget=self.budget,
            pretrained=pretrained_start(recipe),
            on_look=on_look,
        )

    def _accuracy(self, run: Trainer) -> float | None:
        """The accuracy that a run reaches, resumed from its checkpoint if there is one; None if it is pruned."""
        try:
            if (run.out / CHECKPOINT).exists():
                run.resume()
                for look in run.progress.looks:
                    if run.on_look is not None:
                        run.on_look(*look)
            run.run()
        except TrialPruned:
            return None
        return run.progress.best_accuracy

    def _check_time(self) -> None:
        if self.until is not None and time.monotonic() >= self.until:
            raise TimeIsUp

    def _keep_best(self, study: Study) -> None:
        """Delete the checkpoints of all finished trials but the best."""
        best = study.best
        for number in range(len(study.done)):
            if best is None or number != best[0]:
                (self.folder(number) / CHECKPOINT).unlink(missing_ok=True)
