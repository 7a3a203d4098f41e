import contextlib
import fcntl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.pool import QueuePool

from models.expectation import Estimate
from service.problems import Problem
from service.settings import SettingsError
from service.store.database import _BUSY_MS, FILE, SCHEMA, Database
from service.store.examples import NewExample, Revision
from service.store.task_store import Fitted, TaskStore, TaskVersion
from service.uploads.images import Example
from tests.service.server_process import PATIENCE

FITTED = Fitted("tiny", "v1", Estimate(0.9, 0.8, 0.95))


def new(label: str, content: bytes = b"x") -> NewExample:
    return NewExample.of(Example(f"{label}.png", content, 100, label=label))


@pytest.fixture
def store(database: Database) -> TaskStore:
    return TaskStore(database)


@pytest.mark.parametrize("name", ["50%2Foff", "a?b", "a?uri=true", "a#b", "a b@c:d"])
def test_the_store_lies_in_its_folder_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    database = Database(tmp_path / name)
    task_id = TaskStore(database).create("n", [new("a")], FITTED)
    assert database.row("SELECT id FROM tasks") == (task_id,)
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert FILE in {path.name for path in (tmp_path / name).iterdir()}


def test_keeps_a_task_over_a_restart(store: TaskStore, database: Database, tmp_path: Path) -> None:
    examples = [new("b", b"1"), new("a", b"2"), new("b", b"3")]
    task_id = store.create("Größen", examples, FITTED)
    database.close()
    again = TaskStore(Database(tmp_path))
    task, stored = again.snapshot(task_id)
    assert (task.name, task.version, task.classes, task.estimate) == (
        "Größen",
        1,
        {"a": 1, "b": 2},
        FITTED.estimate,
    )
    assert [one.id for one in stored] == [one.id for one in examples]
    assert dict(again.contents([one.id for one in stored])) == {one.id: one.given.content for one in examples}


def test_a_change_is_whole_and_counts_the_version(store: TaskStore) -> None:
    first = [new("a"), new("b")]
    task_id = store.create(None, first, FITTED)
    more = [new("c"), new("c")]
    assert store.change(task_id, 1, Revision(more, [first[0].id]), Fitted("tiny", "v2", FITTED.estimate))
    task, stored = store.snapshot(task_id)
    assert store.version(task_id) == TaskVersion(task_id, task.model, task.model_version, task.version)
    assert (task.version, task.model_version, task.classes) == (2, "v2", {"b": 1, "c": 2})
    assert {one.id for one in stored} == {first[1].id, more[0].id, more[1].id}


def test_a_move_changes_a_label_and_nothing_else(store: TaskStore) -> None:
    first = [new("a", b"1"), new("a", b"2"), new("b", b"3")]
    task_id = store.create(None, first, FITTED)
    before = store.snapshot(task_id)[1]
    moved = Revision(moved={first[1].id: "c"})
    assert not store.change(task_id, 2, moved, FITTED)
    assert store.change(task_id, 1, moved, FITTED)
    task, stored = store.snapshot(task_id)
    assert (task.version, task.classes) == (2, {"a": 1, "b": 1, "c": 1})
    assert stored == [before[0], replace(before[1], label="c"), before[2]]
    assert dict(store.contents([first[1].id])) == {first[1].id: b"2"}


def test_a_change_from_an_old_version_changes_nothing(store: TaskStore) -> None:
    first = [new("a"), new("b")]
    task_id = store.create(None, first, FITTED)
    assert store.change(task_id, 1, Revision([new("c")]), FITTED)
    assert not store.change(task_id, 1, Revision([new("d")], [first[0].id]), FITTED)
    assert not store.change("nobody", 1, Revision([new("d")]), FITTED)
    assert store.snapshot(task_id)[0].classes == {"a": 1, "b": 1, "c": 1}


def test_a_late_refit_leaves_a_newer_version_as_it_is(store: TaskStore) -> None:
    task_id = store.create(None, [new("a"), new("b")], FITTED)
    assert store.change(task_id, 1, Revision([new("c")]), FITTED)
    refitted = Fitted("tiny", "v2", Estimate(0.5, 0.4, 0.6))
    for version, estimate in ((1, FITTED.estimate), (2, refitted.estimate)):
        store.refitted(task_id, version, refitted)
        assert store.snapshot(task_id)[0].estimate == estimate


def test_of_many_changes_at_once_none_is_lost(store: TaskStore) -> None:
    task_id = store.create(None, [new("a"), new("b")], FITTED)

    def add(label: str) -> None:
        while not store.change(task_id, store.snapshot(task_id)[0].version, Revision([new(label)]), FITTED):
            pass

    labels = [f"class {k}" for k in range(12)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, labels))
    task = store.snapshot(task_id)[0]
    assert task.version == 13
    assert set(task.classes) == {"a", "b", *labels}


def test_deleting_a_task_deletes_its_examples(store: TaskStore, database: Database) -> None:
    kept = store.create(None, [new("a"), new("b")], FITTED)
    gone = store.create(None, [new("a"), new("b")], FITTED)
    store.delete(gone)
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM examples")).scalar() == 2
    assert store.snapshot(kept)[0].classes == {"a": 1, "b": 1}
    for use in (store.version, store.snapshot, store.delete):
        with pytest.raises(Problem, match=gone) as caught:
            use(gone)
        assert caught.value.status == 404


def test_pages_are_stable_while_tasks_come_and_go(store: TaskStore) -> None:
    ids = [store.create(str(k), [new("a"), new("b")], FITTED) for k in range(5)]
    first = store.page(2, None)
    assert [one.id for one in first.items] == [ids[4], ids[3]]
    store.create("newer", [new("a"), new("b")], FITTED)
    store.delete(ids[3])
    second = store.page(2, first.next_cursor)
    third = store.page(2, second.next_cursor)
    assert [one.id for one in second.items + third.items] == [ids[2], ids[1], ids[0]]
    assert third.next_cursor is None
    exact = store.page(5, None)
    assert (len(exact.items), exact.next_cursor) == (5, None)


@pytest.mark.parametrize("cursor", ["x", "", "!!!!", "AAAA", "é"])
def test_refuses_a_cursor_of_its_own_making(store: TaskStore, cursor: str) -> None:
    with pytest.raises(Problem) as caught:
        store.page(2, cursor)
    assert (caught.value.status, caught.value.field) == (422, "cursor")


def test_refuses_a_store_of_another_release(database: Database, tmp_path: Path) -> None:
    with database.writing() as session:
        session.execute(text(f"PRAGMA user_version = {SCHEMA + 1}"))
        session.commit()
    with pytest.raises(SettingsError, match=FILE):
        Database(tmp_path)


def test_who_opens_a_store_waits_for_those_who_are_opening_it(tmp_path: Path) -> None:
    with (tmp_path / "metashot.opening").open("w") as lock, ThreadPoolExecutor(1) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        opened = pool.submit(Database, tmp_path)
        with pytest.raises(TimeoutError):
            opened.result(0.2)
        fcntl.flock(lock, fcntl.LOCK_UN)
        opened.result(PATIENCE).close()


def test_every_connection_waits_while_another_one_writes(database: Database) -> None:
    for session in (database.reading(), database.writing()):
        with session:
            assert session.execute(text("PRAGMA busy_timeout")).scalar() == _BUSY_MS
    assert database.row("PRAGMA busy_timeout") == (_BUSY_MS,)


def test_a_store_keeps_its_journal_mode(database: Database) -> None:
    assert database.row("PRAGMA journal_mode") == ("wal",)


def test_a_version_is_read_while_writers_hold_every_connection(store: TaskStore, database: Database) -> None:
    task_id = store.create(None, [new("a"), new("b")], FITTED)
    assert isinstance(database._engine.pool, QueuePool)
    database._engine.pool._timeout = 0
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(NoConnection):
            while True:
                stack.enter_context(database._engine.connect())
        assert store.version(task_id).version == 1


def test_what_is_stored_has_reached_the_disk(store: TaskStore, database: Database) -> None:
    store.create(None, [new("a"), new("b")], FITTED)
    with database.writing() as session:
        assert session.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
