"""The callers' classifiers: those of one request, and kept ones, to which examples are added or removed."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from starlette.concurrency import run_in_threadpool

from models.choice import AUTO
from models.initialization import Initialization
from service.computing.caches import BoundedCache
from service.computing.callers_fits import CallersFits
from service.computing.choosing import prepare_support
from service.computing.classifier import Answer, Classifier, Prepared
from service.computing.engine import Caller, Deadline, Engine
from service.computing.fitting import Shot
from service.computing.preparation import are_many, are_quick, prepare
from service.computing.support_checks import check_classes, check_revision
from service.computing.turns import Turns
from service.metrics import Metrics
from service.problems import Problem
from service.registry import Registry
from service.settings import Settings
from service.store.database import OUT_OF_REACH
from service.store.examples import NewExample, Revise, Revision
from service.store.task_store import Fitted, Task, TaskStore, TaskVersion
from service.store.writers import Writers
from service.uploads.images import Example, Query

_ATTEMPTS = 8
logger = logging.getLogger("metashot")
Version = tuple[str, int, str]  # a task's id, its version, and its initialization's version


class Classifiers:
    """Fits, keeps, changes and queries classifiers, computing through the engine.

    Methods raise a ``Problem`` if a task or model is gone, examples are unusable, or the engine is full or late.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        engine: Engine,
        tasks: TaskStore,
        writers: Writers,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._engine = engine
        self._tasks = tasks
        self._writers = writers
        self._metrics = metrics
        self._cache: BoundedCache[Version, Classifier] = BoundedCache(settings.cache_bytes, lambda one: one.size)
        self._fits = CallersFits(settings, registry, engine, tasks, metrics)
        self._turns = Turns()

    async def answer_once(
        self, model: str, support: Sequence[Example], queries: Sequence[Query], keep_known: float
    ) -> tuple[Classifier, list[Answer]]:
        """Fit a classifier, answer the queries, keep nothing."""
        check_classes([example.label for example in support], self._settings, support)

        def prepared(deadline: Deadline) -> tuple[Initialization, list[Prepared], list[Shot]]:
            given = [(None, one) for one in support]
            initialization, shots = prepare_support(self._registry, model, given, deadline.check)
            # Before the costly fit, so that a bad query is refused at once.
            return initialization, prepare(initialization.preprocessing, queries, deadline.check), shots

        with self._engine.admitted() as caller:
            many = are_many([*support, *queries])
            initialization, asked, shots = await caller.run(prepared, large=many)
            classifier = await self._fits.adapt(caller, initialization, shots)
            classifier = replace(classifier, keep_known=keep_known)
            return classifier, await caller.run(lambda one: self._answer(classifier, asked, one), large=many)

    async def create(
        self, name: str | None, model: str, support: Sequence[Example], expires_in: int | None
    ) -> str:
        """Fit and store a new task, a temporary one given the seconds that it lasts unused; give its id."""
        check_classes([example.label for example in support], self._settings, support)

        def prepared(deadline: Deadline) -> tuple[Initialization, list[NewExample], list[Shot]]:
            new = _identified(support)
            initialization, shots = prepare_support(self._registry, model, new, deadline.check)
            return initialization, new, shots

        with self._engine.admitted() as caller:
            initialization, new, shots = await caller.run(prepared, large=are_many(support))
            classifier = await self._fits.adapt(caller, initialization, shots)

            def stored() -> str:
                caller.deadline.check()  # as late as can be, as for a change: nobody would learn the id
                return self._tasks.create(name, new, _fitted(classifier), expires_in, automatic=model == AUTO)

            task_id = await self._writers.run(stored)
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
            classifier = await self._fits.refit(caller, task, stored)
            if classifier is None:
                continue
            self._keep(task_id, task.version, classifier)
            if classifier.version != task.model_version:
                await self._note_refit(task, classifier)
            return classifier
        raise _too_contended(task_id)

    async def _note_refit(self, task: Task, classifier: Classifier) -> None:
        """Store what a new initialization made of a task: it is shown, but no answer depends on it."""
        try:
            await self._writers.run(self._tasks.refitted, task.id, task.version, _fitted(classifier))
        except (Problem, *OUT_OF_REACH):
            logger.exception("could not store the new estimate of task %s", task.id)

    async def delete(self, task_id: str) -> None:
        """Delete a task from the store and from memory; raises a 404 Problem if there is none."""

        def work() -> None:
            self._tasks.delete(task_id)
            self.forget([task_id])

        await self._writers.run(work)

    def forget(self, task_ids: Collection[str]) -> None:
        """Free the memory of tasks that have been deleted."""
        if task_ids:
            self._cache.drop(lambda version: version[0] in task_ids)

    async def add(self, task_id: str, model: str, support: Sequence[Example]) -> None:
        """Add examples to a task; raises a 422 Problem if ``model`` is neither ``auto`` nor the task's."""
        await self._change(task_id, lambda stored: stored, _identified(support), model)

    async def revise(self, task_id: str, revise: Revise, version: int | None = None) -> None:
        """Keep of a task's examples those that ``revise`` gives, some perhaps with another label.

        Raises:
            Problem: 409 if under two classes remain, or if the task is not at the ``version`` that is given;
                422 if these are more classes than one classifier takes.
        """
        await self._change(task_id, revise, [], AUTO, version)

    async def _change(
        self,
        task_id: str,
        revise: Revise,
        added: Sequence[NewExample],
        model: str,
        version: int | None = None,
    ) -> None:
        with self._engine.admitted() as caller:
            async with self._turns.of(task_id, caller.deadline):
                for _ in range(_ATTEMPTS):
                    task, stored = await run_in_threadpool(self._tasks.snapshot, task_id)
                    if version is not None and version != task.version:
                        raise _changed_before(task, version)
                    revision = Revision.of(stored, revise, added)
                    if not revision.changes:
                        return
                    check_revision(revision, len(task.classes), self._settings)
                    classifier = await self._fits.change(caller, task, model, revision.kept, added)
                    if classifier is not None and await self._writers.run(
                        self._changed, caller.deadline, task, revision, classifier
                    ):
                        return
        raise _too_contended(task_id)

    def _changed(self, deadline: Deadline, task: Task, revision: Revision, classifier: Classifier) -> bool:
        """Store a change, and keep its classifier; False if the task has changed meanwhile."""
        deadline.check()  # as late as can be: who is told that the time is up shall find nothing changed
        changed = self._tasks.change(task.id, task.version, revision, _fitted(classifier))
        if changed:
            self._cache.drop(lambda version: version[0] == task.id)
            self._keep(task.id, task.version + 1, classifier)
        return changed

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

    def _answer(self, classifier: Classifier, prepared: Sequence[Prepared], deadline: Deadline) -> list[Answer]:
        answers = classifier.answers(prepared, deadline.check, self._engine.embedded)
        self._metrics.queries.labels(classifier.model).inc(len(answers))
        return answers


def _identified(support: Sequence[Example]) -> list[NewExample]:
    return [NewExample.of(example) for example in support]


def _fitted(classifier: Classifier) -> Fitted:
    return Fitted(classifier.model, classifier.version, classifier.estimate)


def _changed_before(task: Task, version: int) -> Problem:
    """Make the 409 Problem for a change of a version that is not the task's."""
    detail = f"task {task.id} is at version {task.version} by now, not {version}; look at it before changing it"
    return Problem(409, detail, title="Task changed")


def _too_contended(task_id: str) -> Problem:
    """Make the 409 Problem for a change or question that lost to others' changes again and again."""
    return Problem(409, f"task {task_id} kept changing meanwhile; send the request again", title="Task changed")
