"""Tasks and their support examples in the store, one transaction per change."""

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from models.expectation import Estimate
from service.problems import not_found
from service.store.database import Database
from service.store.example_files import ExampleFiles
from service.store.examples import NewExample, Revision, StoredExample
from service.store.paging import Page, before, page
from service.store.tables import ExampleRow, TaskRow, now
from service.store.temporary_tasks import TemporaryTasks


@dataclass(frozen=True)
class TaskVersion:
    """A task's id and version, and the model and model version that it is fitted from."""

    id: str
    model: str
    model_version: str
    version: int


@dataclass(frozen=True)
class Task(TaskVersion):
    """A kept classifier as of one version; ``auto`` chose the model of an automatic one."""

    name: str | None
    created: str
    estimate: Estimate
    classes: dict[str, int]
    expires_in: int | None
    automatic: bool


@dataclass(frozen=True)
class Fitted:
    """What is stored of a fit, beside the examples that it was made from."""

    model: str
    model_version: str
    estimate: Estimate


class TaskStore:
    """Reads and changes tasks. A change names the version that it starts from, and fails on any other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.temporary = TemporaryTasks(database)
        self.files = ExampleFiles(database)

    def create(
        self,
        name: str | None,
        examples: Sequence[NewExample],
        fitted: Fitted,
        expires_in: int | None = None,
        *,
        automatic: bool = False,
    ) -> str:
        """Store a task, as version 1, with its examples, temporary if ``expires_in`` is given; give its id."""
        row = TaskRow(
            id=uuid.uuid4().hex,
            name=name,
            version=1,
            created=now(),
            expires_in=expires_in,
            expires=None if expires_in is None else int(time.time()) + expires_in,
            automatic=automatic,
            **_columns(fitted),
        )
        with self._database.writing() as session:
            session.add(row)
            session.flush()
            _add(session, row.number, examples)
            session.commit()
            return row.id

    def change(self, task_id: str, version: int, revision: Revision, fitted: Fitted) -> bool:
        """Go from ``version`` to the next one; False if the task is of another version by now, or gone."""
        with self._database.writing() as session:
            of_version = (TaskRow.id == task_id, TaskRow.version == version)
            next_version = update(TaskRow).where(*of_version).values(version=version + 1, **_columns(fitted))
            number = session.execute(next_version.returning(TaskRow.number)).scalar()
            if number is None:
                return False
            session.execute(delete(ExampleRow).where(ExampleRow.id.in_(revision.removed)))
            for example_id, label in revision.moved.items():
                session.execute(update(ExampleRow).where(ExampleRow.id == example_id).values(label=label))
            _add(session, number, revision.added)
            session.commit()
            return True

    def refitted(self, task_id: str, version: int, fitted: Fitted) -> None:
        """Note that a task's version is now served by another version of its model."""
        with self._database.writing() as session:
            of_version = (TaskRow.id == task_id, TaskRow.version == version)
            session.execute(update(TaskRow).where(*of_version).values(**_columns(fitted)))
            session.commit()

    def keep(self, task_id: str, name: str) -> None:
        """Name a task, and keep it for good if it was temporary; raises a 404 Problem."""
        for_good = update(TaskRow).where(TaskRow.id == task_id).values(name=name, expires_in=None, expires=None)
        with self._database.writing() as session:
            if session.execute(for_good.returning(TaskRow.number)).scalar() is None:
                raise not_found("task", task_id)
            session.commit()

    def delete(self, task_id: str) -> None:
        """Delete a task with its examples.

        Raises:
            Problem: 404 if there is no such task.
        """
        its_row = delete(TaskRow).where(TaskRow.id == task_id)
        if self._database.freeing(its_row.returning(TaskRow.number)) is None:
            raise not_found("task", task_id)

    def version(self, task_id: str) -> TaskVersion:
        """Give a task's current version; raises a 404 Problem. Quick enough for the event loop's thread."""
        columns = "model, model_version, version, expires_in"
        row = self._database.row(f"SELECT {columns} FROM tasks WHERE id = ?", task_id)
        if row is None:
            raise not_found("task", task_id)
        *version, expires_in = row
        self._note(task_id, expires_in)
        return TaskVersion(task_id, *version)

    def snapshot(self, task_id: str) -> tuple[Task, list[StoredExample]]:
        """Give a task and its examples, both of the same version; raises a 404 Problem."""
        with self._database.reading() as session:
            row = session.scalar(select(TaskRow).where(TaskRow.id == task_id))
            if row is None:
                raise not_found("task", task_id)
            self._note(task_id, row.expires_in)
            columns = (ExampleRow.id, ExampleRow.label, ExampleRow.filename, ExampleRow.sha256)
            examples = select(*columns).where(ExampleRow.task_number == row.number).order_by(ExampleRow.number)
            return _task(session, row), [StoredExample(*one) for one in session.execute(examples)]

    def contents(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Give id and file of each example that is still there, one in memory at a time."""
        with self._database.reading() as session:
            for example_id in ids:
                content = session.scalar(select(ExampleRow.content).where(ExampleRow.id == example_id))
                if content is not None:
                    yield example_id, content

    def page(self, limit: int, cursor: str | None, *, temporary: bool = False) -> Page[Task]:
        """List tasks, either kept or temporary ones, newest first; raises a 422 Problem for an invalid cursor."""
        with self._database.reading() as session:
            listed = TaskRow.expires_in.is_not(None) if temporary else TaskRow.expires_in.is_(None)
            query = select(TaskRow).where(TaskRow.number < before(cursor), listed)
            rows = session.scalars(query.order_by(TaskRow.number.desc()).limit(limit + 1)).all()
            return page([(row.number, _task(session, row)) for row in rows], limit)

    def _note(self, task_id: str, expires_in: int | None) -> None:
        """Note that a task is in use: whoever reads it by its id is about to show, ask or change it."""
        if expires_in is not None:
            self.temporary.used(task_id)


def _columns(fitted: Fitted) -> dict[str, str | float]:
    estimate = fitted.estimate
    return {
        "model": fitted.model,
        "model_version": fitted.model_version,
        "accuracy": estimate.accuracy,
        "low": estimate.low,
        "high": estimate.high,
    }


def _add(session: Session, number: int, examples: Sequence[NewExample]) -> None:
    if examples:
        session.execute(
            insert(ExampleRow),
            [
                {
                    "id": example.id,
                    "task_number": number,
                    "label": example.given.label,
                    "filename": example.given.filename,
                    "sha256": example.given.sha256,
                    "size": len(example.given.content),
                    "content": example.given.content,
                }
                for example in examples
            ],
        )


def _task(session: Session, row: TaskRow) -> Task:
    of_task = ExampleRow.task_number == row.number
    counts = select(ExampleRow.label, func.count()).where(of_task).group_by(ExampleRow.label)
    return Task(
        id=row.id,
        name=row.name,
        model=row.model,
        model_version=row.model_version,
        version=row.version,
        created=row.created,
        estimate=Estimate(row.accuracy, row.low, row.high),
        classes=dict(session.execute(counts.order_by(ExampleRow.label)).all()),
        expires_in=row.expires_in,
        automatic=row.automatic,
    )
