"""The callers' classifiers: those of one request, and kept ones, to which examples are added or removed."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool

from models.initialization import Initialization
from service.computing.adaptations import Adaptations
from service.computing.caches import BoundedCache
from service.computing.classifier import Answer, Classifier, Prepared
from service.computing.engine import Caller, Deadline, Engine
from service.computing.fitting import Shot
from service.computing.preparation import MANY_IMAGES, are_many, are_quick, choose, prepare, shots_of
from service.metrics import Metrics
from service.problems import Problem
from service.registry import Registry
from service.settings import Settings
from service.store.task_store import (
    Fitted,
    NewExample,
    StoredExample,
    Task,
    TaskStore,
    TaskVersion,
    too_contended,
)
from service.uploads.intake import Example, Query, check_classes

_ATTEMPTS = 8
Version = tuple[str, int, str]  # a task's id, its version, and its initialization's version
Removal = Callable[[Sequence[StoredExample]], set[str]]


class Classifiers:
    """Fits, keeps, changes and queries classifiers, computing through the engine.

    Methods raise a ``Problem`` if a task or model is gone, examples are unusable, or the engine is full or late.
    """

    def __init__(
        self, settings: Settings, registry: Registry, engine: Engine, tasks: TaskStore, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._engine = engine
        self._tasks = tasks
        self._metrics = metrics
        self._cache: BoundedCache[Version, Classifier] = BoundedCache(settings.cache_bytes, lambda one: one.size)
        self._adaptations = Adaptations(engine, settings.cache_bytes // 4)
        self._changing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def answer_once(
        self, model: str, support: Sequence[Example], queries: Sequence[Query], keep_known: float
    ) -> tuple[Classifier, list[Answer]]:
        """Fit a classifier, answer the queries, keep nothing."""
        check_classes([example.label for example in support], self._settings)

        def prepared(deadline: Deadline) -> tuple[Initialization, list[Prepared], list[Shot]]:
            initialization = choose(self._registry, model, support, deadline.check)
            # Queries first: a bad one is refused before the costly fit.
            asked = prepare(initialization.preprocessing, queries, deadline.check)
            return (
                initialization,
                asked,
                shots_of(initialization, [(None, one) for one in support], deadline.check),
            )

        with self._engine.admitted() as caller:
            many = are_many([*support, *queries])
            initialization, asked, shots = await caller.run(prepared, large=many)
            classifier = await self._adapt(caller, initialization, shots)
            classifier = replace(classifier, keep_known=keep_known)
            return classifier, await caller.run(lambda one: self._answer(classifier, asked, one), large=many)

    async def create(
        self, name: str | None, model: str, support: Sequence[Example], expires_in: int | None = None
    ) -> str:
        """Fit and store a new task, a temporary one given the seconds that it lasts unused; give its id."""
        check_classes([example.label for example in support], self._settings)
        new = [NewExample.of(example) for example in support]

        def prepared(deadline: Deadline) -> tuple[Initialization, list[Shot]]:
            initialization = choose(self._registry, model, support, deadline.check)
            examples = [(one.id, one.given) for one in new]
            return initialization, shots_of(initialization, examples, deadline.check)

        with self._engine.admitted() as caller:
            initialization, shots = await caller.run(prepared, large=are_many(support))
            classifier = await self._adapt(caller, initialization, shots)
        task_id = await run_in_threadpool(self._tasks.create, name, new, _fitted(classifier), expires_in)
        self._keep(task_id, 1, classifier)
        return task_id

    async def answer(
        self, task: TaskVersion, queries: Sequence[Query], keep_known: float
    ) -> tuple[Classifier, list[Answer]]:
        """Answer queries with a kept classifier, which is given along with the answers."""
        with self._engine.admitted() as caller:
            classifier = self._cached(task) or await self._of_task(caller, task.id)
            kept = replace(classifier, keep_known=keep_known)

            def work(deadline: Deadline) -> list[Answer]:
                return self._answer(kept, prepare(kept.preprocessing, queries, deadline.check), deadline)

            await asyncio.sleep(0)  # lets requests that have just arrived be counted
            if self._metrics.being_answered == 1 and are_quick(queries, kept.learner):
                # On this thread: nobody else is kept waiting, and waking another core takes a tenth longer.
                return kept, work(caller.deadline)
            return kept, await caller.run(work, large=are_many(queries))

    async def of_task(self, task_id: str) -> Classifier:
        """Give a task's classifier, rebuilt from the store if it is not in memory."""
        with self._engine.admitted() as caller:
            return await self._of_task(caller, task_id)

    async def _of_task(self, caller: Caller, task_id: str) -> Classifier:
        for _ in range(_ATTEMPTS):
            task, stored = await run_in_threadpool(self._tasks.snapshot, task_id)
            cached = self._cached(task)
            if cached is not None:
                return cached
            classifier = await self._refit(caller, task, stored, ())
            if classifier is None:
                continue
            self._keep(task_id, task.version, classifier)
            if classifier.version != task.model_version:
                await run_in_threadpool(self._tasks.refitted, task_id, task.version, _fitted(classifier))
            return classifier
        raise too_contended(task_id)

    def delete(self, task_id: str) -> None:
        """Delete a task from the store and from memory; raises a 404 Problem if there is none."""
        self._tasks.delete(task_id)
        self.forget([task_id])

    def forget(self, task_ids: Collection[str]) -> None:
        """Free the memory of tasks that have been deleted."""
        if task_ids:
            self._cache.drop(lambda version: version[0] in task_ids)

    async def add(self, task_id: str, support: Sequence[Example]) -> None:
        """Add examples to a task."""
        await self._change(task_id, [NewExample.of(example) for example in support], lambda _: set())

    async def remove(self, task_id: str, removal: Removal) -> None:
        """Remove the examples that ``removal`` picks, by id; raises a 409 Problem if under two classes remain."""
        await self._change(task_id, [], removal)

    async def _change(self, task_id: str, added: Sequence[NewExample], removal: Removal) -> None:
        # The lock spares this process fits that would lose the race; among processes the version decides.
        async with self._changing.setdefault(task_id, asyncio.Lock()):
            for _ in range(_ATTEMPTS):
                task, stored = await run_in_threadpool(self._tasks.snapshot, task_id)
                removed = removal(stored)
                kept = [example for example in stored if example.id not in removed]
                labels = [one.label for one in kept] + [one.given.label for one in added]
                if removed:
                    _keep_two(labels)
                check_classes(labels, self._settings)
                with self._engine.admitted() as caller:
                    classifier = await self._refit(caller, task, kept, added)
                if classifier is None:
                    continue
                changed = await run_in_threadpool(
                    self._tasks.change, task_id, task.version, added, sorted(removed), _fitted(classifier)
                )
                if changed:
                    self._cache.drop(lambda version: version[0] == task_id)
                    self._keep(task_id, task.version + 1, classifier)
                    return
        raise too_contended(task_id)

    def _keep(self, task_id: str, version: int, classifier: Classifier) -> None:
        """Keep a classifier in memory, unless its task was changed or deleted while it was fitted."""
        key = (task_id, version, classifier.version)
        self._cache.put(key, classifier)
        # Checked after the put: a change that comes later finds the entry and drops it.
        try:
            present = self._tasks.version(task_id).version == version
        except Problem:  # the task is gone
            present = False
        if not present:
            self._cache.drop(lambda one: one == key)

    def _cached(self, task: TaskVersion) -> Classifier | None:
        initialization = self._registry.kept(task.model, task.model_version)
        return self._cache.get((task.id, task.version, initialization.version))

    async def _refit(
        self, caller: Caller, task: Task, stored: Sequence[StoredExample], added: Sequence[NewExample]
    ) -> Classifier | None:
        """Fit stored and added examples; None if a stored one is gone, as the task has then changed."""
        initialization = self._registry.kept(task.model, task.model_version)
        in_memory = {one.id: self._adaptations.kept(initialization, one.sha256) for one in stored}
        to_read = {one.id: one for one in stored if in_memory[one.id] is None}
        given = [one.given for one in added]

        def prepared(deadline: Deadline) -> list[Shot]:
            examples = [(one.id, one.given) for one in added]
            return [
                *self._read(initialization, to_read, deadline),
                *shots_of(initialization, examples, deadline.check),
            ]

        shots = await caller.run(prepared, large=len(to_read) > MANY_IMAGES or are_many(given))
        if len(shots) < len(to_read) + len(added):
            return None
        for one in stored:
            known = in_memory[one.id]
            if known is not None:
                shots.append(replace(known, label=one.label, filename=one.filename, identity=one.id))
        return await self._adapt(caller, initialization, shots)

    def _read(
        self, initialization: Initialization, wanted: Mapping[str, StoredExample], deadline: Deadline
    ) -> list[Shot]:
        """Read and preprocess those of the wanted examples that are still in the store."""

        def examples() -> Iterator[tuple[str | None, Example]]:
            for identity, content in self._tasks.contents(list(wanted)):
                one = wanted[identity]
                yield identity, Example(one.filename, content, self._settings.max_pixels, label=one.label)

        return shots_of(initialization, examples(), deadline.check)

    async def _adapt(self, caller: Caller, initialization: Initialization, shots: Sequence[Shot]) -> Classifier:
        classifier = await self._adaptations.adapt(caller, initialization, shots)
        self._metrics.adaptations.labels(initialization.name).inc()
        return classifier

    def _answer(self, classifier: Classifier, prepared: Sequence[Prepared], deadline: Deadline) -> list[Answer]:
        answers = classifier.answers(prepared, deadline.check, self._engine.embedded)
        self._metrics.queries.labels(classifier.model).inc(len(answers))
        return answers


def _fitted(classifier: Classifier) -> Fitted:
    return Fitted(classifier.model, classifier.version, classifier.estimate)


def _keep_two(labels: Sequence[str]) -> None:
    if len(set(labels)) < 2:
        raise Problem(
            409,
            "this would leave fewer than two classes; add examples of another class first, or delete the task",
            title="Too few classes would remain",
        )
