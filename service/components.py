"""The parts of one service process, and how routes get at them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from models.kernels.native.compiled import library
from service.background.expiry import Expiry
from service.background.jobs import Jobs
from service.background.shrinking import Shrinking
from service.computing.classifiers import Classifiers
from service.computing.engine import Engine
from service.computing.repinning import Repinning
from service.metrics import Metrics
from service.registry import Registry, open_registry
from service.settings import Settings
from service.store.database import Database
from service.store.task_store import TaskStore
from service.store.writers import Writers


@dataclass(frozen=True)
class Components:
    """Everything that routes use."""

    settings: Settings
    registry: Registry
    tasks: TaskStore
    classifiers: Classifiers
    jobs: Jobs
    database: Database
    writers: Writers

    @property
    def ready(self) -> bool:
        """Whether any initialization is on offer, and the store is still where it was opened."""
        return bool(self.registry.offered) and self.database.in_place


@contextmanager
def running(settings: Settings, metrics: Metrics) -> Iterator[Components]:
    """Open the store, load the initializations, start the engine and background threads; stop them at the end."""
    with ExitStack() as stack:
        database = Database(settings.data_dir)
        stack.callback(database.close)
        library()  # compiles the native kernels now, if need be, not while a caller waits
        registry = open_registry(settings.data_dir)
        engine = Engine(settings)
        stack.callback(engine.close)
        tasks = TaskStore(database)
        writers = Writers()
        repinning = Repinning(registry, engine, tasks)
        jobs = Jobs(settings, database, writers, engine, repinning, metrics)
        stack.callback(jobs.stop)
        metrics.watch(lambda: engine.waiting, jobs.store.counts)
        jobs.start()
        classifiers = Classifiers(settings, registry, engine, tasks, writers, metrics)
        for work in (Expiry(tasks.temporary, classifiers), Shrinking(database)):
            stack.callback(work.stop)
            work.start()
        yield Components(
            settings=settings,
            registry=registry,
            tasks=tasks,
            classifiers=classifiers,
            jobs=jobs,
            database=database,
            writers=writers,
        )


async def _components(request: Request) -> Components:
    # Async, because FastAPI would run a plain function on another thread.
    components: Components = request.app.state.components
    return components


Parts = Annotated[Components, Depends(_components)]
