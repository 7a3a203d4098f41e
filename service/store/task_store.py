"""Tasks and their support examples in the store, one transaction per change."""

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from models.expectation import Estimate
from service.problems import Problem, not_found
from service.store.database import Database
from service.store.paging import Page, before, page
from service.store.tables import ExampleRow, TaskRow
from service.uploads.intake import Example


@dataclass(frozen=True)
class StoredExample:
    """A support example without its bytes."""

    id: str
    label: str
    filename: str
    sha256: str


@dataclass(frozen=True)
class TaskVersion:
    """Which task, in which version, fitted from which version of which model."""

    id: str
    model: str
    model_version: str
    version: int


@dataclass(frozen=True)
class Task(TaskVersion):
    """A kept classifier as of one version."""

    name: str | None
    created: str
    estimate: Estimate
    classes: dict[str, int]


@dataclass(frozen=True)
class NewExample:
    """An example about to be stored, under an id of its own."""

    id: str
    sha256: str
    given: Example

    @classmethod
    def of(cls, example: Example) -> "NewExample":
        """Give it an id."""
        return cls(uuid.uuid4().hex, hashlib.sha256(example.content).hexdigest(), example)


@dataclass(frozen=True)
class Fitted:
    """What a fit found out, kept beside the examples it was made from."""

    model: str
    model_version: str
    estimate: Estimate


class TaskStore:
    """Reads and changes tasks. A change names the version it was made from, and fails on any other."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str | None, examples: Sequence[NewExample], fitted: Fitted) -> str:
        """Store a task of version 1 with its examples, and give its id."""
        row = TaskRow(
            id=uuid.uuid4().hex,
            name=name,
            version=1,
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            **_columns(fitted),
        )
        with self._database.writing() as session:
            session.add(row)
            session.flush()
            _add(session, row.number, examples)
            session.commit()
            return row.id

    def change(
        self, task_id: str, version: int, added: Sequence[NewExample], removed: Sequence[str], fitted: Fitted
    ) -> bool:
        """Go from ``version`` to the next one; False where another change came first."""
        with self._database.writing() as session:
            of_version = (TaskRow.id == task_id, TaskRow.version == version)
            next_version = update(TaskRow).where(*of_version).values(version=version + 1, **_columns(fitted))
            number = session.execute(next_version.returning(TaskRow.number)).scalar()
            if number is None:
                return False
            session.execute(delete(ExampleRow).where(ExampleRow.id.in_(removed)))
            _add(session, number, added)
            session.commit()
            return True

    def refitted(self, task_id: str, version: int, fitted: Fitted) -> None:
        """Note that a version is now served by another version of its model."""
        with self._database.writing() as session:
            of_version = (TaskRow.id == task_id, TaskRow.version == version)
            session.execute(update(TaskRow).where(*of_version).values(**_columns(fitted)))
            session.commit()

    def delete(self, task_id: str) -> None:
        """Delete a task with its examples.

        Raises:
            Problem: 404.
        """
        its_row = delete(TaskRow).where(TaskRow.id == task_id)
        if self._database.freeing(its_row.returning(TaskRow.number)) is None:
            raise not_found("task", task_id)

    def version(self, task_id: str) -> TaskVersion:
        """Give a task's present version; raises a 404 Problem. So quick that no thread need wait for it."""
        row = self._database.row("SELECT model, model_version, version FROM tasks WHERE id = ?", task_id)
        if row is None:
            raise not_found("task", task_id)
        return TaskVersion(task_id, *row)

    def snapshot(self, task_id: str) -> tuple[Task, list[StoredExample]]:
        """Give a task and its examples, both of the same version; raises a 404 Problem."""
        with self._database.reading() as session:
            row = session.scalar(select(TaskRow).where(TaskRow.id == task_id))
            if row is None:
                raise not_found("task", task_id)
            columns = (
                ExampleRow.id,
                ExampleRow.label,
                ExampleRow.filename,
                ExampleRow.sha256,
            )
            found = session.execute(
                select(*columns).where(ExampleRow.task_number == row.number).order_by(ExampleRow.number)
            )
            return _task(session, row), [StoredExample(*one) for one in found]

    def contents(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Give id and file of each example, one in memory at a time; of those that are still there."""
        with self._database.reading() as session:
            for example_id in ids:
                content = session.scalar(select(ExampleRow.content).where(ExampleRow.id == example_id))
                if content is not None:
                    yield example_id, content

    def page(self, limit: int, cursor: str | None) -> Page[Task]:
        """List tasks, the newest first."""
        with self._database.reading() as session:
            query = select(TaskRow).where(TaskRow.number < before(cursor))
            rows = session.scalars(query.order_by(TaskRow.number.desc()).limit(limit + 1)).all()
            return page([(row.number, _task(session, row)) for row in rows], limit)


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
                    "sha256": example.sha256,
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
    )


def too_contended(task_id: str) -> Problem:
    """Say that a change found the task changed by others again and again."""
    return Problem(409, f"task {task_id} kept changing meanwhile; send the change again", title="Task changed")
