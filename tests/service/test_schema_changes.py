"""A store that a former release wrote becomes one of this release, with all that it holds."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from models.expectation import Estimate
from service.store.database import FILE, Database
from service.store.examples import NewExample
from service.store.task_store import Fitted, TaskStore
from service.uploads.images import Example

FITTED = Fitted("tiny", "v1", Estimate(0.9, 0.8, 0.95))
SCHEMA_1 = """
CREATE TABLE tasks (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, id VARCHAR(32) NOT NULL, name VARCHAR,
    model VARCHAR NOT NULL, model_version VARCHAR NOT NULL, version INTEGER NOT NULL, accuracy DOUBLE NOT NULL,
    low DOUBLE NOT NULL, high DOUBLE NOT NULL, created VARCHAR NOT NULL, UNIQUE (id));
CREATE TABLE jobs (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, id VARCHAR(32) NOT NULL, task_id VARCHAR(32) NOT NULL,
    model VARCHAR NOT NULL, status VARCHAR(16) NOT NULL, done INTEGER NOT NULL, total INTEGER NOT NULL,
    errors INTEGER NOT NULL, error VARCHAR, created VARCHAR NOT NULL, finished VARCHAR, UNIQUE (id));
CREATE INDEX ix_jobs_status ON jobs (status);
CREATE TABLE examples (
    number INTEGER NOT NULL, id VARCHAR(32) NOT NULL, task_number INTEGER NOT NULL, label VARCHAR NOT NULL,
    filename VARCHAR NOT NULL, sha256 VARCHAR(64) NOT NULL, size INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (number), UNIQUE (id), FOREIGN KEY(task_number) REFERENCES tasks (number) ON DELETE CASCADE);
CREATE INDEX examples_of_task ON examples (task_number, label);
CREATE TABLE results (
    job_number INTEGER NOT NULL, place INTEGER NOT NULL, body VARCHAR NOT NULL, PRIMARY KEY (job_number, place),
    FOREIGN KEY(job_number) REFERENCES jobs (number) ON DELETE CASCADE);
INSERT INTO tasks (id, name, model, model_version, version, accuracy, low, high, created)
    VALUES ('t', 'letters', 'tiny', 'v1', 3, 0.9, 0.8, 0.95, '2026-01-02T03:04:05.678+00:00');
INSERT INTO examples (id, task_number, label, filename, sha256, size, content)
    VALUES ('e', 1, 'a', 'a.png', 'digest', 1, X'78');
INSERT INTO jobs (id, task_id, model, status, done, total, errors, created)
    VALUES ('j', 't', 'tiny', 'done', 1, 1, 0, '2026-01-02T03:04:05.678+00:00');
INSERT INTO results VALUES (1, 0, '{}');
PRAGMA user_version = 1;
"""


SCHEMA_2 = """
CREATE TABLE tasks (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, id VARCHAR(32) NOT NULL, name VARCHAR,
    model VARCHAR NOT NULL, model_version VARCHAR NOT NULL, version INTEGER NOT NULL, accuracy DOUBLE NOT NULL,
    low DOUBLE NOT NULL, high DOUBLE NOT NULL, created VARCHAR NOT NULL, expires_in INTEGER, expires INTEGER,
    UNIQUE (id));
CREATE INDEX tasks_by_expiry ON tasks (expires);
""" + SCHEMA_1.partition(";")[2].replace("user_version = 1", "user_version = 2")


def described(database: Database) -> set[tuple[Any, ...]]:
    """Every column of every table and index, whatever the spelling of the statements that made them."""
    columns = "SELECT m.name, x.* FROM sqlite_master m JOIN pragma_{}_info(m.name) x WHERE m.type = '{}'"
    with database.reading() as session:
        return {
            tuple(row) for kind in ("table", "index") for row in session.execute(text(columns.format(kind, kind)))
        }


def listed(store: TaskStore, *, temporary: bool = False) -> list[str]:
    return [one.id for one in store.page(50, None, temporary=temporary).items]


@pytest.mark.parametrize("schema", [SCHEMA_1, SCHEMA_2])
def test_a_store_of_a_former_release_is_taken_over_whole(tmp_path: Path, schema: str) -> None:
    new = Database(tmp_path / "new")
    old_file = tmp_path / "old" / FILE
    old_file.parent.mkdir()
    former = sqlite3.connect(old_file)
    former.executescript(schema)
    database = Database(tmp_path / "old")
    assert described(database) == described(new)
    store = TaskStore(database)
    task, examples = store.snapshot("t")
    assert (task.name, task.version, task.classes, task.estimate) == ("letters", 3, {"a": 1}, FITTED.estimate)
    assert (task.expires_in, task.automatic) == (None, False)
    assert dict(store.contents([one.id for one in examples])) == {"e": b"x"}
    assert list(store.temporary.delete_expired(time.time() + 1e9)) == []
    assert listed(store) == ["t"]
    assert database.row("SELECT status FROM jobs JOIN results ON job_number = number") == ("done",)
    created = store.create(
        "n", [NewExample.of(Example("a.png", b"x", 100, label="a"))], FITTED, 60, automatic=True
    )

    # A process of the former release, which is still running, goes on.
    former.execute(
        "INSERT INTO tasks (id, model, model_version, version, accuracy, low, high, created) "
        "SELECT 'late', model, model_version, version, accuracy, low, high, created FROM tasks LIMIT 1"
    )
    former.commit()
    former.close()
    database.close()
    again = TaskStore(Database(tmp_path / "old"))
    assert (listed(again, temporary=True), listed(again)) == ([created], ["late", "t"])
    assert [again.snapshot(one)[0].automatic for one in ("late", created)] == [False, True]
    new.close()
