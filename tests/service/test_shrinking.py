"""The store's file shrinks by itself after deletions, while others read and write."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.expectation import Estimate
from service.background import shrinking
from service.background.shrinking import Shrinking
from service.settings import MEBIBYTE
from service.store import giving_way, spare_room
from service.store.database import FILE, LOG_BYTES, Database
from service.store.examples import NewExample
from service.store.job_store import JobStore
from service.store.spare_room import can_shrink, give_some_back
from service.store.task_store import Fitted, TaskStore
from service.uploads.images import Example
from tests.service.full_disk import full_disk
from tests.service.tiny_service import serving, until

FITTED = Fitted("tiny", "v1", Estimate(0.9, 0.8, 0.95))


@pytest.fixture(autouse=True)
def little_to_spare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare_room, "_SPARE", MEBIBYTE)


def create(database: Database, content: bytes) -> str:
    example = NewExample.of(Example("a.png", content, 100, label="a"))
    return TaskStore(database).create("n", [example], FITTED)


def filled(database: Database) -> str:
    """Store 20 MiB among which little stays; give the id of the task that does."""
    tasks = [create(database, bytes([number]) * MEBIBYTE) for number in range(20)]
    for task in tasks[:15] + tasks[16:]:
        TaskStore(database).delete(task)
    return tasks[15]


def size(folder: Path) -> int:
    return (folder / FILE).stat().st_size


def shrunk(database: Database) -> None:
    thread = Shrinking(database)
    thread._look()


def whole(folder: Path) -> bool:
    with sqlite3.connect(folder / FILE) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def content_of(database: Database, task: str) -> bytes:
    store = TaskStore(database)
    (example,) = store.snapshot(task)[1]
    ((_, content),) = store.contents([example.id])
    return content


def test_what_is_deleted_is_given_back_but_some_room_to_spare(database: Database, tmp_path: Path) -> None:
    kept = filled(database)
    assert size(tmp_path) > 19 * MEBIBYTE
    shrunk(database)
    assert MEBIBYTE < size(tmp_path) < 4 * MEBIBYTE
    assert content_of(database, kept) == bytes([15]) * MEBIBYTE
    assert whole(tmp_path)
    before = database.row("PRAGMA data_version")
    assert not give_some_back(database)
    assert database.row("PRAGMA data_version") == before


def test_a_store_of_a_former_release_is_left_alone_until_its_file_is_written_anew(tmp_path: Path) -> None:
    """As the docs say how."""
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    database = Database(tmp_path)
    kept = filled(database)
    assert not can_shrink(database)
    before = size(tmp_path)
    shrunk(database)
    assert size(tmp_path) == before
    database.close()

    anew = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    anew.execute("PRAGMA auto_vacuum=INCREMENTAL")
    anew.execute(f"VACUUM INTO '{tmp_path / 'smaller.sqlite3'}'")
    anew.close()
    (tmp_path / "smaller.sqlite3").replace(tmp_path / FILE)
    database = Database(tmp_path)
    assert can_shrink(database)
    assert content_of(database, kept) == bytes([15]) * MEBIBYTE
    filled(database)
    shrunk(database)
    assert size(tmp_path) < 5 * MEBIBYTE
    database.close()


def test_others_change_the_store_in_between(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(database)
    made: list[str] = []
    monkeypatch.setattr(giving_way.time, "sleep", lambda _: made.append(create(database, b"x")))
    shrunk(database)
    assert len(made) > 5
    assert [content_of(database, task) for task in made] == [b"x"] * len(made)


def test_several_processes_may_do_so_while_others_write(database: Database, tmp_path: Path) -> None:
    kept, other = filled(database), Database(tmp_path)
    jobs, done = JobStore(other), threading.Event()

    def write() -> int:
        written = 0
        while not done.wait(0.01):
            jobs.create(f"{written}", task_id="t", model="m", total=1)
            jobs.delete_hidden(jobs.hide(f"{written}"))
            written += 1
        return written

    with ThreadPoolExecutor(3) as pool:
        writing = pool.submit(write)
        for one in [pool.submit(shrunk, each) for each in (database, other)]:
            one.result()
        done.set()
        assert writing.result() > 0
    other.close()
    assert content_of(database, kept) == bytes([15]) * MEBIBYTE
    assert whole(tmp_path)


def test_a_full_disk_gets_room_back(database: Database, tmp_path: Path) -> None:
    filled(database)
    with full_disk(tmp_path / "metashot.reserve", ("PRAGMA incremental_vacuum",)):
        shrunk(database)
    assert size(tmp_path) < 4 * MEBIBYTE


def test_it_stops_with_the_service(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(database)
    thread = Shrinking(database)
    monkeypatch.setattr(giving_way.time, "sleep", lambda _: thread._stopping.set())
    thread.start()
    thread.stop()
    assert size(tmp_path) > 10 * MEBIBYTE


def test_the_service_does_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinking, "_EVERY_S", 0.05)
    with serving(tmp_path) as client:
        filled(client.app.state.components.database)
        until(lambda: size(tmp_path) < 4 * MEBIBYTE)


def test_a_store_out_of_reach_does_not_end_it(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[Database] = []

    def failing(one: Database) -> bool:
        asked.append(one)
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(shrinking, "_EVERY_S", 0.01)
    monkeypatch.setattr(shrinking, "can_shrink", failing)
    thread = Shrinking(database)
    thread.start()
    until(lambda: len(asked) > 2)
    thread.stop()


def test_a_large_change_does_not_leave_a_large_log(database: Database, tmp_path: Path) -> None:
    log = tmp_path / f"{FILE}-wal"
    create(database, bytes(20 * MEBIBYTE))
    assert log.stat().st_size > 20 * MEBIBYTE
    create(database, b"x")
    assert log.stat().st_size <= LOG_BYTES
