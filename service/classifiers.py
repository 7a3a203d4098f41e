"""What callers ask for: classifiers of one request, and kept ones that grow and shrink."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool

from models.initialization import Initialization
from service.classifier import Answer, Classifier
from service.engine import ClassifierCache, Deadline, Engine
from service.intake import Example, Query, check_classes
from service.metrics import Metrics
from service.preparation import Prepared, answer_all, choose, fit_examples, prepare
from service.problems import Problem
from service.registry import Registry
from service.settings import Settings
from service.task_store import Fitted, NewExample, StoredExample, Task, TaskStore, too_contended

_ATTEMPTS = 8
Removal = Callable[[Sequence[StoredExample]], set[str]]


class Classifiers:
    """Fits, keeps, changes and asks classifiers; every computation goes through the engine."""

    def __init__(
        self, settings: Settings, registry: Registry, engine: Engine, tasks: TaskStore, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._engine = engine
        self._tasks = tasks
        self._metrics = metrics
        self._cache = ClassifierCache(settings.cache_bytes)
        self._changing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def answer_once(
        self, model: str, support: Sequence[Example], queries: Sequence[Query]
    ) -> tuple[Classifier, list[Answer]]:
        """Fit a classifier, answer the queries, keep nothing."""
        check_classes([example.label for example in support], self._settings)

        def work(deadline: Deadline) -> tuple[Classifier, list[Answer]]:
            initialization = choose(self._registry, model, support)
            prepared = prepare(initialization.preprocessing, queries, deadline.check)  # fails before the fit
            classifier = self._fit(initialization, [(None, one) for one in support], deadline)
            return classifier, self._answer(classifier, prepared, deadline)

        return await self._engine.run(work)

    async def create(self, name: str | None, model: str, support: Sequence[Example]) -> str:
        """Fit and keep a new task; give its id."""
        check_classes([example.label for example in support], self._settings)
        new = [NewExample.of(example) for example in support]

        def work(deadline: Deadline) -> Classifier:
            initialization = choose(self._registry, model, support)
            return self._fit(initialization, [(one.id, one.given) for one in new], deadline)

        classifier = await self._engine.run(work)
        task_id = await run_in_threadpool(self._tasks.create, name, new, _fitted(classifier))
        self._cache.put((task_id, 1, classifier.version), classifier)
        return task_id

    async def answer(self, task_id: str, queries: Sequence[Query]) -> tuple[Classifier, list[Answer]]:
        """Ask a kept classifier."""
        task = await run_in_threadpool(self._tasks.task, task_id)
        classifier = self._cached(task)
        if classifier is None:
            classifier = await self.of_task(task_id)
        kept = classifier

        def work(deadline: Deadline) -> list[Answer]:
            return self._answer(kept, prepare(kept.preprocessing, queries, deadline.check), deadline)

        return kept, await self._engine.run(work)

    async def of_task(self, task_id: str) -> Classifier:
        """Give a task's classifier, rebuilt from the store where it is not in memory."""
        for _ in range(_ATTEMPTS):
            task, stored = await run_in_threadpool(self._tasks.snapshot, task_id)
            cached = self._cached(task)
            if cached is not None:
                return cached
            classifier = await self._engine.run(lambda one, t=task, s=stored: self._refit(t, s, (), one))  # type: ignore[misc]
            if classifier is None:
                continue
            self._cache.put((task_id, task.version, classifier.version), classifier)
            if classifier.version != task.model_version:
                await run_in_threadpool(self._tasks.refitted, task_id, task.version, _fitted(classifier))
            return classifier
        raise too_contended(task_id)

    async def add(self, task_id: str, support: Sequence[Example]) -> None:
        """Add examples to a task."""
        await self._change(task_id, [NewExample.of(example) for example in support], lambda _: set())

    async def remove(self, task_id: str, removal: Removal) -> None:
        """Remove the examples that ``removal`` picks out of a task's; at least two classes must stay."""
        await self._change(task_id, [], removal)

    async def _change(self, task_id: str, added: Sequence[NewExample], removal: Removal) -> None:
        # The lock spares this process fits that would lose; against other processes the version decides.
        async with self._changing.setdefault(task_id, asyncio.Lock()):
            for _ in range(_ATTEMPTS):
                task, stored = await run_in_threadpool(self._tasks.snapshot, task_id)
                removed = removal(stored)
                kept = [example for example in stored if example.id not in removed]
                labels = [one.label for one in kept] + [one.given.label for one in added]
                if removed:
                    _keep_two(labels)
                check_classes(labels, self._settings)
                classifier = await self._engine.run(
                    lambda one, t=task, k=kept: self._refit(t, k, added, one)  # type: ignore[misc]
                )
                if classifier is None:
                    continue
                changed = await run_in_threadpool(
                    self._tasks.change, task_id, task.version, added, sorted(removed), _fitted(classifier)
                )
                if changed:
                    self._cache.put((task_id, task.version + 1, classifier.version), classifier)
                    return
        raise too_contended(task_id)

    def _cached(self, task: Task) -> Classifier | None:
        initialization = self._registry.kept(task.model, task.model_version)
        return self._cache.get((task.id, task.version, initialization.version))

    def _refit(
        self, task: Task, stored: Sequence[StoredExample], added: Sequence[NewExample], deadline: Deadline
    ) -> Classifier | None:
        """Fit stored and added examples; None where a stored one is gone, so that the task has changed."""
        about = {one.id: one for one in stored}
        read = 0

        def examples() -> Iterator[tuple[str | None, Example]]:
            nonlocal read
            for identity, content in self._tasks.contents(list(about)):
                read += 1
                one = about[identity]
                yield identity, Example(one.filename, content, self._settings.max_pixels, label=one.label)
            if read == len(stored):
                yield from ((one.id, one.given) for one in added)

        initialization = self._registry.kept(task.model, task.model_version)
        try:
            classifier = self._fit(initialization, examples(), deadline)
        except ValueError:
            if read < len(stored):
                return None
            raise
        return classifier if read == len(stored) else None

    def _fit(
        self,
        initialization: Initialization,
        examples: Iterable[tuple[str | None, Example]],
        deadline: Deadline,
    ) -> Classifier:
        classifier = fit_examples(initialization, examples, deadline.check)
        self._metrics.adaptations.labels(initialization.name).inc()
        return classifier

    def _answer(self, classifier: Classifier, prepared: Sequence[Prepared], deadline: Deadline) -> list[Answer]:
        answers = answer_all(classifier, prepared, deadline.check)
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
