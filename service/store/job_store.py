"""Jobs and their results in the store, one transaction per change."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import delete, func, insert, select, update

from service.problems import not_found
from service.store.database import Database
from service.store.paging import Page, before, page
from service.store.tables import JobRow, ResultRow

Status = Literal["queued", "running", "done", "failed", "cancelled"]
UNFINISHED = ("queued", "running")
_RESULTS_AT_ONCE = 500


@dataclass(frozen=True)
class Job:
    """A job as of now: ``done`` of ``total`` images have a result, which for ``errors`` of them is an error."""

    id: str
    task_id: str
    model: str
    status: str
    done: int
    total: int
    errors: int
    error: str | None
    created: str
    finished: str | None


class JobStore:
    """Reads and changes jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def check_place(self) -> None:
        """Raise an OperationalError unless the store is still where it was opened."""
        self._database.check_place()

    def create(self, job_id: str, *, task_id: str, model: str, total: int) -> Job:
        """Queue a job whose folder is complete."""
        row = JobRow(
            id=job_id,
            task_id=task_id,
            model=model,
            status="queued",
            done=0,
            total=total,
            errors=0,
            created=_now(),
        )
        with self._database.writing() as session:
            session.add(row)
            session.commit()
            return _job(row)

    def job(self, job_id: str) -> Job:
        """Give a job; raises a 404 Problem if there is none."""
        with self._database.reading() as session:
            row = session.scalar(select(JobRow).where(JobRow.id == job_id))
            if row is None:
                raise not_found("job", job_id)
            return _job(row)

    def page(self, limit: int, cursor: str | None) -> Page[Job]:
        """List jobs, newest first; raises a 422 Problem for an invalid cursor."""
        with self._database.reading() as session:
            query = select(JobRow).where(JobRow.number < before(cursor)).order_by(JobRow.number.desc())
            rows = session.scalars(query.limit(limit + 1)).all()
            return page([(row.number, _job(row)) for row in rows], limit)

    def start_next(self) -> Job | None:
        """Start the oldest unfinished job, be it queued or left running by a stopped process; None for none.

        Only the process that holds the jobs' lock may call this.
        """
        with self._database.writing() as session:
            unfinished = select(JobRow).where(JobRow.status.in_(UNFINISHED)).order_by(JobRow.number)
            row = session.scalar(unfinished.limit(1))
            if row is None:
                return None
            row.status = "running"
            session.commit()
            return _job(row)

    def commit_batch(self, job_id: str, start: int, rows: Sequence[dict[str, Any]]) -> bool:
        """Store results from number ``start`` on with the progress; False if the job was cancelled or is gone."""
        errors = sum("error" in row for row in rows)
        with self._database.writing() as session:
            progress = (
                update(JobRow)
                .where(JobRow.id == job_id, JobRow.status == "running", JobRow.done == start)
                .values(done=start + len(rows), errors=JobRow.errors + errors)
            )
            number = session.execute(progress.returning(JobRow.number)).scalar()
            if number is None:
                return False
            results = [
                {"job_number": number, "place": start + offset, "body": json.dumps(row, ensure_ascii=False)}
                for offset, row in enumerate(rows)
            ]
            session.execute(insert(ResultRow), results)
            session.commit()
            return True

    def finish(self, job_id: str, status: Status, error: str | None = None) -> bool:
        """End an unfinished job; False if it had ended already or is gone."""
        end = (
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.status.in_(UNFINISHED))
            .values(status=status, error=error, finished=_now())
            .returning(JobRow.number)
        )
        return self._database.freeing(end) is not None

    def delete(self, job_id: str) -> None:
        """Delete a job with its results, if it is there."""
        self._database.freeing(delete(JobRow).where(JobRow.id == job_id).returning(JobRow.number))

    def results(self, job_id: str) -> Iterator[dict[str, Any]]:
        """Give the results so far in the order of the images, a few in memory at a time.

        Raises:
            Problem: 404 if the job is gone, even midway: otherwise a part would pass for the whole.
        """
        place = -1
        while True:
            with self._database.reading() as session:
                query = select(ResultRow.place, ResultRow.body).join(
                    JobRow, ResultRow.job_number == JobRow.number
                )
                query = query.where(JobRow.id == job_id, ResultRow.place > place).order_by(ResultRow.place)
                found = session.execute(query.limit(_RESULTS_AT_ONCE)).all()
                last = len(found) < _RESULTS_AT_ONCE
                if last and session.scalar(select(JobRow.number).where(JobRow.id == job_id)) is None:
                    raise not_found("job", job_id)
            for _, body in found:
                yield json.loads(body)
            if last:
                return
            place = found[-1][0]

    def counts(self) -> dict[str, int]:
        """Count jobs by status; statuses without jobs are 0."""
        with self._database.reading() as session:
            found = session.execute(select(JobRow.status, func.count()).group_by(JobRow.status))
            return dict.fromkeys(get_args(Status), 0) | dict(found.all())

    def statuses(self) -> dict[str, str]:
        """Give the status of every job, by id."""
        with self._database.reading() as session:
            return dict(session.execute(select(JobRow.id, JobRow.status)).all())


def _job(row: JobRow) -> Job:
    return Job(
        id=row.id,
        task_id=row.task_id,
        model=row.model,
        status=row.status,
        done=row.done,
        total=row.total,
        errors=row.errors,
        error=row.error,
        created=row.created,
        finished=row.finished,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
