"""Jobs and their results in the store, one transaction per change."""

import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from sqlalchemy import Connection, delete, func, insert, select, update

from service.problems import Problem, not_found
from service.store.database import Database
from service.store.giving_way import give_way
from service.store.paging import Page, before, page
from service.store.tables import JobRow, ResultRow, now

Status = Literal["queued", "running", "done", "failed", "cancelled"]
UNFINISHED = ("queued", "running")
_RESULTS_AT_ONCE = 500
_DELETED_AT_ONCE = 1000
_DELETING = "deleting"  # the status of a job whose results are being deleted: for callers, it is gone
_SHOWN = JobRow.status != _DELETING


@dataclass(frozen=True)
class Job:
    """A job as of now: ``done`` of ``total`` images have a result, which for ``errors`` of them is an error.

    Its ``number`` is no other's, ever; its ``id`` may be another's once it is deleted, as callers may choose it.
    """

    number: int
    id: str
    task_id: str
    model: str
    status: Status
    done: int
    total: int
    errors: int
    error: str | None
    created: str
    finished: str | None


class JobStore:
    """Reads and changes jobs."""

    def __init__(self, database: Database, drop: Callable[[str], None] = lambda _: None) -> None:
        """Take the database, and what removes all that lies under a job's id beside it.

        ``drop`` is called in the transaction that ends a job's row: later, a new job may have the id.
        """
        self._database = database
        self._drop = drop

    def create(
        self, job_id: str, *, task_id: str, model: str, total: int, place: Callable[[], None] = lambda: None
    ) -> Job:
        """Queue a job, or give the one that the task has of this id already.

        ``place`` puts its folder, complete, where that of a job of this id lies: no process creates another of
        this id meanwhile, and none sees this one before.

        Raises:
            Problem: 409 if another task's job has this id.
        """
        row = JobRow(
            id=job_id,
            task_id=task_id,
            model=model,
            status="queued",
            done=0,
            total=total,
            errors=0,
            created=now(),
        )
        with self._database.writing() as session:
            if session.scalar(select(JobRow.number).where(JobRow.id == job_id)) is None:
                place()
                session.add(row)
                session.commit()
                return _job(row)
        there = self.of_id(job_id, task_id)
        return there or self.create(job_id, task_id=task_id, model=model, total=total, place=place)

    def job(self, job_id: str) -> Job:
        """Give a job; raises a 404 Problem if there is none."""
        with self._database.reading() as session:
            row = session.scalar(select(JobRow).where(JobRow.id == job_id, _SHOWN))
            if row is None:
                raise not_found("job", job_id)
            return _job(row)

    def of_id(self, job_id: str, task_id: str) -> Job | None:
        """Give a task's job, if there is one of this id.

        A deletion of one that was begun is finished, so that the id is free: it may have been cut short.

        Raises:
            Problem: 409 if another task's job has this id.
        """
        with self._database.reading() as session:
            row = session.scalar(select(JobRow).where(JobRow.id == job_id))
        if row is None:
            return None
        if row.status == _DELETING:
            self.delete_hidden(row.number)
            return None
        if row.task_id != task_id:
            detail = f"the id {job_id} is another job's; choose another"
            raise Problem(409, detail, title="Taken id", field="id")
        return _job(row)

    def unfinished(self, job_id: str) -> Job | None:
        """Give a job if it is queued or running."""
        with self._database.reading() as session:
            row = session.scalar(select(JobRow).where(JobRow.id == job_id, JobRow.status.in_(UNFINISHED)))
            return None if row is None else _job(row)

    def is_unfinished(self, number: int) -> bool:
        """Whether the job of a number is queued or running."""
        unfinished = select(JobRow.number).where(JobRow.number == number, JobRow.status.in_(UNFINISHED))
        with self._database.reading() as session:
            return session.scalar(unfinished) is not None

    def page(self, limit: int, cursor: str | None) -> Page[Job]:
        """List jobs, newest first; raises a 422 Problem for an invalid cursor."""
        with self._database.reading() as session:
            query = select(JobRow).where(JobRow.number < before(cursor), _SHOWN)
            rows = session.scalars(query.order_by(JobRow.number.desc()).limit(limit + 1)).all()
            return page([(row.number, _job(row)) for row in rows], limit)

    def start_next(self, *, oldest: bool = True, last: Collection[int] = ()) -> Job | None:
        """Start an unfinished job, be it queued, or running and waiting for its turn; None for none.

        Only the process that holds the jobs' lock may call this.

        Args:
            oldest: whether to take the oldest one rather than that with the fewest images left.
            last: numbers of those to be taken only if there is no other.
        """
        left = () if oldest else (JobRow.total - JobRow.done,)
        order = (JobRow.number.in_(last), *left, JobRow.number)
        unfinished = select(JobRow).where(JobRow.status.in_(UNFINISHED)).order_by(*order)
        with self._database.writing() as session:
            row = session.scalar(unfinished.limit(1))
            if row is None:
                return None
            row.status = "running"
            session.commit()
            return _job(row)

    def commit_batch(self, number: int, start: int, rows: Sequence[dict[str, Any]]) -> bool:
        """Store results from number ``start`` on with the progress; False if the job was cancelled or is gone."""
        errors = sum("error" in row for row in rows)
        with self._database.writing() as session:
            progress = (
                update(JobRow)
                .where(JobRow.number == number, JobRow.status == "running", JobRow.done == start)
                .values(done=start + len(rows), errors=JobRow.errors + errors)
            )
            if session.execute(progress.returning(JobRow.number)).scalar() is None:
                return False
            results = [
                {"job_number": number, "place": start + offset, "body": json.dumps(row, ensure_ascii=False)}
                for offset, row in enumerate(rows)
            ]
            session.execute(insert(ResultRow), results)
            session.commit()
            return True

    def finish(self, number: int, status: Status, error: str | None = None) -> bool:
        """End an unfinished job; False if it had ended already or is gone."""
        end = (
            update(JobRow)
            .where(JobRow.number == number, JobRow.status.in_(UNFINISHED))
            .values(status=status, error=error, finished=now())
            .returning(JobRow.number)
        )
        return self._database.freeing(end) is not None

    def hide(self, job_id: str) -> int:
        """Begin to delete a job, also one whose deletion was cut short: it is gone for callers; give its number.

        Raises:
            Problem: 404 if there is no such job.
        """
        hidden = update(JobRow).where(JobRow.id == job_id).values(status=_DELETING)
        number = self._database.freeing(hidden.returning(JobRow.number))
        if number is None:
            raise not_found("job", job_id)
        return int(number)

    def delete_hidden(self, number: int) -> None:
        """Delete a hidden job, its results bit by bit: 100,000 would keep others from writing for seconds."""
        while self._delete_some(number):
            pass

    def resume_deletion(self) -> bool:
        """Go on with a deletion that was cut short, for a moment; False if there is none."""
        with self._database.reading() as session:
            number = session.scalar(select(JobRow.number).where(JobRow.status == _DELETING).limit(1))
        if number is not None:
            self._delete_some(number)
        return number is not None

    def _delete_some(self, number: int) -> bool:
        """Delete some of a job's results; False if it was the job itself instead."""
        began = time.monotonic()
        some = select(ResultRow.place).where(ResultRow.job_number == number).limit(_DELETED_AT_ONCE)
        results = delete(ResultRow).where(ResultRow.job_number == number, ResultRow.place.in_(some))
        if self._database.freeing(results.returning(ResultRow.place)) is None:
            self._database.freeing_by(lambda connection: self._end(connection, number))
            return False
        give_way(began)
        return True

    def _end(self, connection: Connection, number: int) -> None:
        job_id = connection.execute(delete(JobRow).where(JobRow.number == number).returning(JobRow.id)).scalar()
        if job_id is not None:  # or else another caller has ended it
            self._drop(job_id)

    def results(self, job_id: str) -> Iterator[dict[str, Any]]:
        """Give the results so far in the order of the images, a few in memory at a time.

        Raises:
            Problem: 404 if the job is gone, even midway: otherwise a part would pass for the whole.
        """
        place, number = -1, None
        while True:
            with self._database.reading() as session:
                its_number = session.scalar(select(JobRow.number).where(JobRow.id == job_id, _SHOWN))
                number = its_number if number is None else number
                if number is None or number != its_number:  # which another job of this id has another one of
                    raise not_found("job", job_id)
                query = select(ResultRow.place, ResultRow.body).where(ResultRow.job_number == number)
                query = query.where(ResultRow.place > place).order_by(ResultRow.place)
                found = session.execute(query.limit(_RESULTS_AT_ONCE)).all()
            for _, body in found:
                yield json.loads(body)
            if len(found) < _RESULTS_AT_ONCE:
                return
            place = found[-1][0]

    def counts(self) -> dict[str, int]:
        """Count jobs by status; statuses without jobs are 0."""
        with self._database.reading() as session:
            found = session.execute(select(JobRow.status, func.count()).where(_SHOWN).group_by(JobRow.status))
            return dict.fromkeys(get_args(Status), 0) | dict(found.all())

    def statuses(self) -> dict[str, str]:
        """Give the status of every job, by id."""
        with self._database.reading() as session:
            return dict(session.execute(select(JobRow.id, JobRow.status).where(_SHOWN)).all())


def _job(row: JobRow) -> Job:
    return Job(**{one.name: getattr(row, one.name) for one in fields(Job)})
