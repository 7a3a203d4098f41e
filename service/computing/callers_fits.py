"""Fits of callers' classifiers, to examples that are in memory, in the store or new."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from models.choice import AUTO
from models.initialization import Initialization
from service.computing.adaptations import Adaptations
from service.computing.choosing import ExampleGone, Rechoosing
from service.computing.classifier import Check, Classifier
from service.computing.engine import Caller, Deadline, Engine
from service.computing.fitting import Shot
from service.computing.preparation import MANY_IMAGES, are_many, shots_of
from service.metrics import Metrics
from service.registry import Registry, check_kept
from service.settings import Settings
from service.store.examples import NewExample, StoredExample
from service.store.task_store import Task, TaskStore
from service.uploads.images import Example


class CallersFits:
    """Fits classifiers, and remembers what preprocessing made of stored examples."""

    def __init__(
        self, settings: Settings, registry: Registry, engine: Engine, tasks: TaskStore, metrics: Metrics
    ) -> None:
        self._registry = registry
        self._tasks = tasks
        self._metrics = metrics
        self._adaptations = Adaptations(engine, settings.cache_bytes // 4)
        self._rechoosing = Rechoosing(registry, tasks, self._adaptations)

    async def change(
        self,
        caller: Caller,
        task: Task,
        model: str,
        stored: Sequence[StoredExample],
        added: Sequence[NewExample],
    ) -> Classifier | None:
        """Fit stored and added examples; if ``auto`` chose the task's initialization, it chooses again.

        None if a stored example is gone, as the task has then changed.

        Args:
            caller: whose work it is.
            task: as it is before the change.
            model: the task's, which is then kept, or ``auto``; a 422 Problem is raised for any other.
            stored: examples of the task that stay.
            added: new ones.
        """
        check_kept(model, task.model)

        def chosen(deadline: Deadline) -> Initialization:
            return self._rechoosing.choose(task, stored, added, deadline.check)

        if task.automatic and model == AUTO:
            try:
                initialization = await caller.run(chosen, large=are_many([one.given for one in added]))
            except ExampleGone:
                return None
        else:
            initialization = self._registry.kept(task.model, task.model_version)
        return await self._fit(caller, initialization, stored, added)

    async def refit(self, caller: Caller, task: Task, stored: Sequence[StoredExample]) -> Classifier | None:
        """Fit a task as it is stored; None if an example is gone, as the task has then changed."""
        return await self._fit(caller, self._registry.kept(task.model, task.model_version), stored, ())

    async def _fit(
        self,
        caller: Caller,
        initialization: Initialization,
        stored: Sequence[StoredExample],
        added: Sequence[NewExample],
    ) -> Classifier | None:
        in_memory = {one.id: self._adaptations.kept(initialization, one.sha256) for one in stored}
        to_read = {one.id: one for one in stored if in_memory[one.id] is None}
        given = [one.given for one in added]

        def prepared(deadline: Deadline) -> list[Shot]:
            return [
                *read_stored(self._tasks, initialization, to_read, deadline.check),
                *shots_of(initialization, added, deadline.check),
            ]

        shots = await caller.run(prepared, large=len(to_read) > MANY_IMAGES or are_many(given))
        if len(shots) < len(to_read) + len(added):
            return None
        for one in stored:
            known = in_memory[one.id]
            if known is not None:
                shots.append(replace(known, label=one.label, filename=one.filename, identity=one.id))
        return await self.adapt(caller, initialization, shots)

    async def adapt(self, caller: Caller, initialization: Initialization, shots: Sequence[Shot]) -> Classifier:
        """Fit a classifier to the examples, together with others that wait; see ``Adaptations.adapt``."""
        classifier = await self._adaptations.adapt(caller, initialization, shots)
        self._metrics.adaptations.labels(initialization.name).inc()
        return classifier


def read_stored(
    tasks: TaskStore,
    initialization: Initialization,
    wanted: Mapping[str, StoredExample],
    check: Check,
) -> list[Shot]:
    """Read and preprocess those of the wanted examples, given by id, that are still in the store."""

    def examples() -> Iterator[tuple[str | None, Example]]:
        for identity, content in tasks.contents(list(wanted)):
            yield identity, wanted[identity].whole(content)

    return shots_of(initialization, examples(), check)
