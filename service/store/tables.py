"""Tables of the store."""

from datetime import UTC, datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    """Base of all tables."""


class TaskRow(Table):
    """A kept classifier: name, model and estimate; the examples that it is fitted on are in ``ExampleRow``.

    A temporary one has the seconds that it is kept without being used, and the Unix time at which these are over.
    The model of an automatic one is what ``auto`` chose, and may be another one after a change.
    """

    __tablename__ = "tasks"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str | None]
    model: Mapped[str]
    model_version: Mapped[str]
    version: Mapped[int]
    accuracy: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    created: Mapped[str]
    expires_in: Mapped[int | None]
    expires: Mapped[int | None]
    automatic: Mapped[bool] = mapped_column(server_default=text("0"))
    __table_args__ = (Index("tasks_by_expiry", "expires"), {"sqlite_autoincrement": True})


class ExampleRow(Table):
    """A support example with its file as uploaded."""

    __tablename__ = "examples"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    task_number: Mapped[int] = mapped_column(ForeignKey("tasks.number", ondelete="CASCADE"))
    label: Mapped[str]
    filename: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index("examples_of_task", "task_number", "label"),)


class JobRow(Table):
    """A batch to score. It can outlive its task, as the classifier is pinned in the job's folder."""

    __tablename__ = "jobs"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    task_id: Mapped[str] = mapped_column(String(32))
    model: Mapped[str]
    status: Mapped[str] = mapped_column(String(16), index=True)
    done: Mapped[int]
    total: Mapped[int]
    errors: Mapped[int]
    error: Mapped[str | None]
    created: Mapped[str]
    finished: Mapped[str | None]
    __table_args__ = ({"sqlite_autoincrement": True},)


class ResultRow(Table):
    """The result of one image of a job, as the JSON that callers get."""

    __tablename__ = "results"

    job_number: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]


def now() -> str:
    """The time as the tables hold it: ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
