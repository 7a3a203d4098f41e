"""Makes a job's classifier again, where another release pinned it in a form that this one cannot read."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from service.computing.callers_fits import read_stored
from service.computing.classifier import Check, Classifier
from service.computing.engine import Engine
from service.computing.fitting import fit
from service.computing.pinned import Origin, origin_of, pin
from service.problems import Problem
from service.registry import Registry
from service.store.task_store import TaskStore

_LOST = "its stored classifier is of another release or damaged, and cannot be made again; start the job again"


class LostClassifier(RuntimeError):
    """A job's classifier can neither be read nor made again; the message says what to do."""

    def __init__(self) -> None:
        super().__init__(_LOST)


class Repinning:
    """Fits classifiers again from the examples of the jobs' tasks, and pins them in this release's format."""

    def __init__(self, registry: Registry, engine: Engine, tasks: TaskStore) -> None:
        self._registry = registry
        self._engine = engine
        self._tasks = tasks

    def again(self, folder: Path, task_id: str, *, begun: bool, check: Check) -> Classifier:
        """Fit a job's classifier again and pin it in the job's folder.

        Where its initialization is no longer on offer, the one that answers the task now takes its place, but not
        for a job that has ``begun``: all answers of a job are by one initialization.

        Args:
            folder: the job's.
            task_id: the job's task.
            begun: whether the job has any answer yet.
            check: called before each batch of images and each inner step; what it raises ends the work.

        Raises:
            LostClassifier: if the task has other examples by now or is gone, or the job has begun by an
                initialization that is gone, or the folder does not tell what its classifier was made from.
        """
        origin = origin_of(folder)
        if origin is None:
            raise LostClassifier
        try:
            classifier = self._on_a_thread(lambda: self._fitted(origin, task_id, check))
        except Problem as problem:  # the task or its initialization is gone, or limits are tighter than they were
            raise LostClassifier from problem
        of_job = {(one.label, one.identity) for one in classifier.known}
        if of_job != origin.known or (begun and classifier.version != origin.version):
            raise LostClassifier
        pin(classifier, folder)
        return classifier

    def _on_a_thread(self, work: Callable[[], Classifier]) -> Classifier:
        """Compute where callers' fits are computed, so that the numbers are the same."""
        return self._engine.submit(work, large=True).result()

    def _fitted(self, origin: Origin, task_id: str, check: Check) -> Classifier:
        task, stored = self._tasks.snapshot(task_id)
        initialization = self._registry.kept(task.model, task.model_version)
        wanted = {one.id: one for one in stored}
        shots = read_stored(self._tasks, initialization, wanted, check)
        return replace(fit(initialization, shots, check), keep_known=origin.keep_known)
