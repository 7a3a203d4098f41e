"""The study: Optuna's record of all trials in one SQLite file, from which a search can be resumed."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from training.recipe import Recipe, RecipeError
from training.tuning.space import Space

STUDY = "study.sqlite"
FAULT = "fault"  # a trial's attribute: why its values do not fit together


class StudyError(ValueError):
    """The study's file cannot be used; the message names it and says what to do."""


@contextmanager
def file_faults_told(out: Path) -> Iterator[None]:
    """Report in one line what SQLite finds wrong with the file of the study in a folder, or with its disk.

    Raises:
        StudyError: in place of the errors of Optuna and its database.
    """
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        cause = error.__cause__ or error
        raise StudyError(
            f"{out / STUDY} cannot be read or written ({getattr(cause, 'orig', cause)}); see to the disk and "
            "continue with --resume, or, where the file is damaged, search anew in another --out"
        ) from error


class Study:
    """Trials of a recipe, in the order in which they were done.

    A trial's values are a function of the seed, its number and the results of the trials before it, so an
    interrupted search ends like an uninterrupted one.

    Attributes:
        record: Optuna's study.
        values: the recipe's own keys.
    """

    def __init__(self, study: optuna.Study, values: Mapping[str, Any], space: Space, seed: int) -> None:
        self.record, self.values = study, values
        self._space, self._seed = space, seed

    @classmethod
    def open(
        cls, out: Path, values: Mapping[str, Any], space: Space, *, resume: bool, seed: int, unpruned: int
    ) -> "Study":
        """Begin a study in a folder, or resume the one there.

        Args:
            out: the folder.
            values: the recipe's own keys.
            space: what is searched.
            resume: whether the folder must already hold a study; otherwise, it must hold none.
            seed: of the trials' values.
            unpruned: number of trials that must complete before any is pruned.

        Raises:
            RecipeError: if ``resume`` does not match what the folder holds, or its study is of another recipe,
                space or seed.
        """
        path = out / STUDY
        if resume and not path.exists():
            raise RecipeError(f"there is no search to resume in {out}; start without --resume")
        if path.exists() and not resume:
            raise RecipeError(f"{out} holds a search already; continue it with --resume or choose another --out")
        out.mkdir(parents=True, exist_ok=True)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(
            storage=URL.create("sqlite", database=str(path)).render_as_string(),
            study_name="tune",
            load_if_exists=True,
            direction="maximize",
            # A run is compared with what the others had reached at the same look.
            pruner=MedianPruner(n_startup_trials=unpruned),
        )
        ranges = {key: optuna.distributions.distribution_to_json(one) for key, one in space.distributions.items()}
        searched = json.loads(json.dumps({"recipe": {**values, "tune": None}, "space": ranges, "seed": seed}))
        stored = study.user_attrs.get("searched", searched)
        if stored != searched:
            changed = [key for key in searched if stored[key] != searched[key]]
            raise RecipeError(
                f"the search in {out} has another {' and '.join(changed)}; continue it with those that it was "
                "started with, or choose another --out"
            )
        study.set_user_attr("searched", searched)
        return cls(study, values, space, seed)

    @property
    def done(self) -> list[FrozenTrial]:
        """Trials that completed, were pruned, or were refused for their values, but not interrupted ones."""
        over = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        trials = self.record.get_trials(states=over)
        return [trial for trial in trials if trial.state != TrialState.FAIL or FAULT in trial.user_attrs]

    @property
    def best(self) -> tuple[int, FrozenTrial] | None:
        """The most accurate trial, the first of equals, with its place in ``done``; None if none completed."""
        ended = [(n, trial) for n, trial in enumerate(self.done) if trial.state == TrialState.COMPLETE]
        return max(ended, key=lambda one: one[1].value or 0.0, default=None)

    def recipe(self, trial: FrozenTrial | Trial) -> Recipe:
        """The recipe that a trial runs."""
        return self._space.recipe(self.values, trial.params)

    def chosen(self, trial: FrozenTrial | Trial) -> dict[str, Any]:
        """A trial's values by key, in the recipe's form."""
        return {key: self._space.value(key, trial.params[key]) for key in self._space.distributions}

    def ask(self) -> tuple[int, Trial]:
        """Begin the next trial, which repeats an interrupted one if there is any; return it with its number."""
        number = len(self.done)
        for left in self.record.get_trials(states=(TrialState.RUNNING,)):
            self.record.tell(left.number, state=TrialState.FAIL)
            if left.params.keys() == self._space.distributions.keys():
                self.record.enqueue_trial(left.params)
        if number == 0 and not self.record.get_trials(states=(TrialState.WAITING,)):
            self.record.enqueue_trial(self._space.own(self._space.recipe(self.values, {})))
        self.record.sampler = TPESampler(seed=self._seed + number)
        return number, self.record.ask(dict(self._space.distributions))

    def tell(self, trial: Trial, accuracy: float | None) -> None:
        """End a trial with the accuracy it reached, or None if it was pruned."""
        state = TrialState.PRUNED if accuracy is None else TrialState.COMPLETE
        self.record.tell(trial, accuracy, state=state)

    def refuse(self, trial: Trial, fault: Exception) -> None:
        """End a trial whose values do not fit together, and record why."""
        trial.set_user_attr(FAULT, str(fault))
        self.record.tell(trial, state=TrialState.FAIL)
