"""A full disk: a store on it can be opened, and what takes room can be deleted."""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import OperationalError

from models.expectation import Estimate
from service.problems import Problem
from service.settings import SettingsError
from service.store.database import FILE, Database, is_full
from service.store.examples import NewExample
from service.store.job_store import JobStore
from service.store.reserve import SIZE, Reserve
from service.store.task_store import Fitted, TaskStore
from service.uploads.images import Example
from tests.service.full_disk import FULL, full_disk

FITTED = Fitted("tiny", "v1", Estimate(0.9, 0.8, 0.95))


def create(store: TaskStore, expires_in: int | None = None, content: bytes = b"x") -> str:
    return store.create("n", [NewExample.of(Example("a.png", content, 100, label="a"))], FITTED, expires_in)


def test_a_full_disk_can_be_emptied(database: Database, tmp_path: Path) -> None:
    tasks, jobs = TaskStore(database), JobStore(database)
    task = create(tasks)
    job = jobs.create("a", task_id=task, model="m", total=1)
    kept = tmp_path / "metashot.reserve"
    assert kept.stat().st_size == SIZE
    with full_disk(kept):
        with pytest.raises(OperationalError, match="full"):
            create(tasks)
        assert jobs.finish(job.number, "cancelled")
        assert not jobs.finish(job.number, "cancelled")
        assert jobs.job("a").status == "cancelled"
        jobs.delete_hidden(jobs.hide("a"))
        tasks.delete(task)
        assert kept.stat().st_size == SIZE
        with pytest.raises(Problem, match="no task"):
            tasks.delete(task)
    assert (tasks.page(5, None).items, jobs.statuses()) == ([], {})
    create(tasks)


def test_temporary_tasks_go_and_those_in_use_stay(database: Database, tmp_path: Path) -> None:
    tasks = TaskStore(database)
    used, unused = create(tasks, 3600), create(tasks, 3600)
    tasks.version(used)
    later = time.time() + 2 * 3600
    with full_disk(tmp_path / "metashot.reserve"):
        tasks.temporary.note_uses(later)
        assert list(tasks.temporary.delete_expired(later)) == [unused]


def test_where_the_kept_room_does_not_suffice_nothing_changes(database: Database, tmp_path: Path) -> None:
    tasks = TaskStore(database)
    task = create(tasks)
    with full_disk(None), pytest.raises(OperationalError, match="full"):
        tasks.delete(task)
    assert [one.id for one in tasks.page(5, None).items] == [task]
    assert (tmp_path / "metashot.reserve").stat().st_size == SIZE


@pytest.mark.parametrize("suffices", [True, False])
def test_the_log_is_brought_into_the_store_only_where_all_of_it_fits(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffices: bool
) -> None:
    """A part would help nobody, and would take the room that further deletions need."""
    tasks, file = TaskStore(database), tmp_path / FILE
    with closing(sqlite3.connect(file)) as beside:
        beside.execute("BEGIN")
        beside.execute("SELECT * FROM tasks").fetchall()  # until it ends, what follows stays in the log
        task = create(tasks, content=bytes(16 * 1024**2))
    before = file.stat().st_size
    free = (20 if suffices else 10) * 1024**2
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=1024**3, free=free))
    with full_disk(tmp_path / "metashot.reserve"):
        tasks.delete(task)
    assert (file.stat().st_size > before) == suffices


def test_what_is_deleted_is_told_so_where_the_log_cannot_leave(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Database) -> None:
        raise OperationalError("PRAGMA", {}, FULL)

    tasks = TaskStore(database)
    task = create(tasks)
    monkeypatch.setattr(Database, "checkpoint", full)
    with full_disk(tmp_path / "metashot.reserve"):
        tasks.delete(task)
    assert tasks.page(5, None).items == []


def test_room_that_was_used_is_kept_again_with_the_next_change(database: Database, tmp_path: Path) -> None:
    (tmp_path / "metashot.reserve").unlink()
    create(TaskStore(database))
    assert (tmp_path / "metashot.reserve").stat().st_size == SIZE


def test_the_room_of_a_small_disk_is_a_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=8 * 1024**2))
    reserve = Reserve(tmp_path / "room")
    with reserve.released():
        reserve.hold()  # of another thread
        assert not (tmp_path / "room").exists()
    assert (tmp_path / "room").stat().st_size == 1024**2


def test_a_store_is_opened_without_a_change_to_it(database: Database, tmp_path: Path) -> None:
    beside = sqlite3.connect(tmp_path / FILE)
    before = beside.execute("PRAGMA data_version").fetchone()
    Database(tmp_path).close()
    assert beside.execute("PRAGMA data_version").fetchone() == before
    beside.close()


def test_a_disk_that_is_full_at_the_start_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise OperationalError("PRAGMA", {}, cause)

    monkeypatch.setattr(Database, "_prepare", failing)
    for cause in (FULL, sqlite3.OperationalError("unable to open database file")):
        with pytest.raises(SettingsError) as refused:
            Database(tmp_path)
        told = str(refused.value)
        assert f"DATA_DIR={tmp_path}" in told
        assert "sqlalche.me" not in told
        assert ("is full; make room there" in told) == (cause is FULL)
        assert ("name a folder" in told) == (cause is not FULL)


def test_room_for_the_index_of_the_log_is_room_on_the_disk() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    assert not is_full(error)
    error.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
    assert is_full(OperationalError("PRAGMA", {}, error))
