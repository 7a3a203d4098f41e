"""What one process of the service consists of, and how routes get at it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from models.kernels.native.compiled import library
from service.computing.classifiers import Classifiers
from service.computing.engine import Engine
from service.jobs import Jobs
from service.metrics import Metrics
from service.registry import Registry, open_registry
from service.settings import Settings
from service.store.database import Database
from service.store.job_store import JobStore
from service.store.task_store import TaskStore


@dataclass(frozen=True)
class Components:
    """Everything that routes use."""

    settings: Settings
    registry: Registry
    tasks: TaskStore
    classifiers: Classifiers
    jobs: Jobs


@contextmanager
def running(settings: Settings, metrics: Metrics) -> Iterator[Components]:
    """Open the store, load the initializations, start the engine and the worker of jobs; stop them at the end."""
    with ExitStack() as stack:
        database = Database(settings.data_dir)
        stack.callback(database.close)
        library()  # compiled now, where that is still to be done, and not while a caller waits
        registry = open_registry(settings.data_dir)
        engine = Engine(settings)
        stack.callback(engine.close)
        tasks = TaskStore(database)
        jobs = Jobs(settings, JobStore(database), engine, metrics)
        stack.callback(jobs.stop)
        metrics.watch(lambda: engine.waiting, jobs.store.counts)
        jobs.start()
        yield Components(
            settings=settings,
            registry=registry,
            tasks=tasks,
            classifiers=Classifiers(settings, registry, engine, tasks, metrics),
            jobs=jobs,
        )


async def _components(request: Request) -> Components:
    # Not a plain function: FastAPI would run that on another thread.
    components: Components = request.app.state.components
    return components


Parts = Annotated[Components, Depends(_components)]
