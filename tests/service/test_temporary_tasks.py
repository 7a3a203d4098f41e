"""Tasks that the service deletes by itself once nobody uses them."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from models.expectation import Estimate
from service.background.expiry import Expiry
from service.computing.classifiers import Classifiers
from service.problems import Problem
from service.store import temporary_tasks
from service.store.database import Database
from service.store.examples import NewExample
from service.store.task_store import Fitted, TaskStore
from service.uploads.images import Example
from tests.service.made_images import drawing
from tests.service.tiny_service import ended, serving, until

FITTED = Fitted("tiny", "v1", Estimate(0.9, 0.8, 0.95))
HOUR = 3600
LATE = 10 * 60  # more than is waited until every process has noted its uses
SUPPORT = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
LABELS = ["a", "b"]
QUERY = ("query", ("3.png", drawing(3)))


@pytest.fixture
def store(database: Database) -> TaskStore:
    return TaskStore(database)


def create(store: TaskStore, expires_in: int | None = HOUR) -> str:
    return store.create("n", [NewExample.of(Example("a.png", b"x", 100, label="a"))], FITTED, expires_in)


def listed(store: TaskStore, *, temporary: bool = True) -> list[str]:
    return [one.id for one in store.page(50, None, temporary=temporary).items]


def test_what_nobody_uses_goes_and_what_is_kept_stays(store: TaskStore, database: Database) -> None:
    now = time.time()
    gone, kept, longer = create(store), create(store, None), create(store, 2 * HOUR)
    assert (listed(store), listed(store, temporary=False)) == ([longer, gone], [kept])
    assert list(store.temporary.delete_expired(now + HOUR - 1)) == []
    assert list(store.temporary.delete_expired(now + HOUR + LATE)) == [gone]
    assert (listed(store), listed(store, temporary=False)) == ([longer], [kept])
    assert database.row("SELECT count(*) FROM examples") == (2,)
    with pytest.raises(Problem, match="no task"):
        store.version(gone)


@pytest.mark.parametrize("use", [TaskStore.version, TaskStore.snapshot])
def test_what_is_used_lives_on(store: TaskStore, use: Callable[[TaskStore, str], Any]) -> None:
    now = time.time()
    used, unused = create(store), create(store)
    for half_hours in range(1, 5):
        use(store, used)
        store.temporary.note_uses(now + half_hours * HOUR / 2)
        gone = list(store.temporary.delete_expired(now + half_hours * HOUR / 2))
        assert gone == ([unused] if half_hours == 3 else [])
    assert listed(store) == [used]
    assert list(store.temporary.delete_expired(now + 3 * HOUR + LATE)) == [used]


def test_to_list_is_not_to_use(store: TaskStore) -> None:
    task = create(store)
    assert listed(store) == [task]
    store.temporary.note_uses(time.time() + HOUR)
    assert list(store.temporary.delete_expired(time.time() + HOUR + LATE)) == [task]


def test_a_process_does_not_delete_what_another_one_has_just_used(store: TaskStore, tmp_path: Path) -> None:
    beside = Database(tmp_path)
    other = TaskStore(beside)
    now = time.time()
    task = create(store)
    other.version(task)  # in the last moment
    assert list(store.temporary.delete_expired(now + HOUR + temporary_tasks.NOTED_EVERY_S)) == []
    other.temporary.note_uses(now + HOUR + temporary_tasks.NOTED_EVERY_S)
    assert list(store.temporary.delete_expired(now + HOUR + LATE)) == []
    beside.close()


def test_a_use_that_could_not_be_noted_is_noted_later(
    store: TaskStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    task = create(store)
    store.version(task)
    with monkeypatch.context() as patch:
        patch.setattr(Database, "freeing", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.temporary.note_uses(now + HOUR)
    store.temporary.note_uses(now + HOUR)
    assert list(store.temporary.delete_expired(now + HOUR + LATE)) == []


def test_kept_it_is_no_longer_temporary(store: TaskStore) -> None:
    task = create(store)
    store.version(task)
    store.keep(task, "mine")
    store.temporary.note_uses(time.time())
    assert list(store.temporary.delete_expired(time.time() + 9 * HOUR)) == []
    assert (store.snapshot(task)[0].name, store.snapshot(task)[0].expires_in) == ("mine", None)
    assert (listed(store), listed(store, temporary=False)) == ([], [task])
    with pytest.raises(Problem, match="no task"):
        store.keep("nobody", "mine")


def post(client: TestClient, **fields: Any) -> Any:
    return client.post("/v1/tasks", files=SUPPORT, data={"labels": LABELS, **fields})


def ids(client: TestClient, path: str = "/v1/tasks") -> list[str]:
    return [one["id"] for one in client.get(path).json()["items"]]


def test_over_http(client: TestClient) -> None:
    kept, temporary = post(client, expires_in="").json(), post(client, expires_in="3600").json()
    assert (kept["expires_in"], temporary["expires_in"]) == (None, 3600)
    assert client.get(f"/v1/tasks/{temporary['id']}").json() == temporary
    assert ids(client, "/v1/tasks?temporary=true") == [temporary["id"]]
    assert temporary["id"] not in ids(client)
    assert kept["id"] in ids(client)
    assert client.get("/v1/tasks?temporary=maybe").json()["field"] == "temporary"
    path = f"/v1/tasks/{temporary['id']}"
    asked = client.post(f"{path}/classify", files=[QUERY]).json()

    answer = client.post(f"{path}/keep", data={"name": " mine "}, files={})
    assert answer.status_code == 415  # neither form nor JSON
    answer = client.post(f"{path}/keep", json={"name": " mine "})
    assert answer.json() == {**temporary, "name": "mine", "expires_in": None}
    assert temporary["id"] in ids(client)
    assert ids(client, "/v1/tasks?temporary=true") == []
    assert client.post(f"{path}/classify", files=[QUERY]).json() == asked


def test_json_takes_a_number(client: TestClient) -> None:
    support = [
        {"label": label, "image": base64.b64encode(drawing(seed)).decode()} for seed, label in enumerate(LABELS)
    ]
    for whole in (60, 60.0, "60"):
        made = client.post("/v1/tasks", json={"support": support, "expires_in": whole}).json()
        assert (made["expires_in"], type(made["expires_in"])) == (60, int)
    assert client.post("/v1/tasks", json={"support": support, "expires_in": None}).json()["expires_in"] is None
    for bad in (True, 60.5, [60], {"seconds": 60}, 59, 59.0, 1e300, 10**400):
        answer = client.post("/v1/tasks", json={"support": support, "expires_in": bad})
        assert (answer.status_code, answer.json()["field"]) == (422, "expires_in")


@pytest.mark.parametrize("bad", ["soon", "59", "31536001", "-60", "60.5", "nan", "9" * 4000])
def test_what_is_no_time_is_refused(client: TestClient, bad: str) -> None:
    answer = post(client, expires_in=bad)
    assert (answer.status_code, answer.json()["field"]) == (422, "expires_in")
    assert "60 to 31536000; leave it out" in answer.json()["detail"]


def test_elsewhere_it_is_no_field(client: TestClient) -> None:
    task = post(client).json()["id"]
    for path in (f"/v1/tasks/{task}/examples", "/v1/classify"):
        files = [*SUPPORT, QUERY] if path == "/v1/classify" else SUPPORT
        answer = client.post(path, files=files, data={"labels": LABELS, "expires_in": "60"})
        assert (answer.status_code, answer.json()["field"]) == (422, "expires_in")


def test_to_keep_takes_a_name_and_a_task(client: TestClient) -> None:
    task = post(client, expires_in="60").json()["id"]
    for given in ({}, {"name": None}, {"name": ""}):
        answer = client.post(f"/v1/tasks/{task}/keep", json=given)
        assert (answer.status_code, answer.json()["field"]) == (422, "name")
        assert "send the one" in answer.json()["detail"]
    assert client.post("/v1/tasks/nobody/keep", json={"name": "mine"}).status_code == 404
    refused = client.post(f"/v1/tasks/{task}/keep", json={"name": "mine", "expires_in": 60})
    assert (refused.status_code, refused.json()["field"]) == (422, "expires_in")
    assert client.get(f"/v1/tasks/{task}").json()["expires_in"] == 60


def test_the_service_deletes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its start what went out of use while it was off, and from then on now and then; jobs stay."""
    with serving(tmp_path) as client:
        kept, gone, later = (post(client, **fields).json()["id"] for fields in ({}, *[{"expires_in": "60"}] * 2))
        job = client.post(f"/v1/tasks/{gone}/jobs", files=[QUERY]).json()["id"]
        assert ended(client, job)["status"] == "done"
    expire = text("UPDATE tasks SET expires = 1 WHERE id = :id")
    database = Database(tmp_path)
    with database.writing() as session:
        session.execute(expire, {"id": gone})
        session.commit()
    monkeypatch.setattr("service.background.expiry.NOTED_EVERY_S", 0.05)
    with serving(tmp_path) as client:
        assert client.post(f"/v1/tasks/{later}/classify", files=[QUERY]).status_code == 200
        until(lambda: ids(client, "/v1/tasks?temporary=true") == [later])
        assert json.loads(client.get(f"/v1/jobs/{job}/results").text)["label"] in LABELS
        cache = client.app.state.components.classifiers._cache  # type: ignore[attr-defined]
        time.sleep(0.2)  # its use is noted by now
        with database.writing() as session:
            session.execute(expire, {"id": later})
            session.commit()
        until(lambda: ids(client, "/v1/tasks?temporary=true") == [])
        assert client.post(f"/v1/tasks/{later}/classify", files=[QUERY]).status_code == 404
        until(lambda: not [key for key in cache._kept if key[0] == later])
        assert ids(client) == [kept]
    database.close()


def test_what_is_used_while_others_are_deleted_stays(store: TaskStore) -> None:
    first, second = create(store), create(store)
    deletions = store.temporary.delete_expired(time.time() + HOUR + LATE)
    assert next(deletions) == first
    store.version(second)
    assert list(deletions) == []
    assert store.version(second).version == 1


def test_what_is_kept_while_others_are_deleted_stays(store: TaskStore) -> None:
    first, second = create(store), create(store)
    deletions = store.temporary.delete_expired(time.time() + HOUR + LATE)
    assert next(deletions) == first
    store.keep(second, "mine")
    assert list(deletions) == []
    assert listed(store, temporary=False) == [second]


def expiry_of(store: TaskStore, forgotten: Callable[[str], None]) -> Expiry:
    """Give an expiry, which tells what it deletes."""

    class NoClassifiers:
        def forget(self, task_ids: list[str]) -> None:
            forgotten(*task_ids)

    return Expiry(store.temporary, cast(Classifiers, NoClassifiers()))


def test_a_store_out_of_reach_for_a_while_keeps_nothing_from_expiring(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, failures = temporary_tasks.TemporaryTasks.note_uses, iter([OperationalError("", {}, OSError("locked"))])

    def failing(tasks: temporary_tasks.TemporaryTasks, now: float) -> None:
        for failure in failures:
            raise failure
        note(tasks, now)

    monkeypatch.setattr(temporary_tasks.TemporaryTasks, "note_uses", failing)
    monkeypatch.setattr("service.background.expiry.NOTED_EVERY_S", 0.02)
    forgotten: list[str] = []
    task = create(store, -HOUR)
    expiry = expiry_of(store, forgotten.append)
    expiry.start()
    until(lambda: forgotten == [task])
    expiry.stop()


def test_a_stop_does_not_wait_until_all_are_deleted(store: TaskStore) -> None:
    first, second, third = (create(store, -HOUR) for _ in range(3))
    forgotten: list[str] = []

    def and_stop(task_id: str) -> None:
        forgotten.append(task_id)
        expiry._stopping.set()

    expiry = expiry_of(store, and_stop)
    expiry.start()
    until(lambda: forgotten != [])
    expiry.stop()
    assert forgotten == [first]
    assert listed(store) == [third, second]


def test_a_stop_writes_down_the_last_uses(store: TaskStore, database: Database) -> None:
    task = create(store)
    forgotten: list[str] = []
    expiry = expiry_of(store, forgotten.append)
    expiry.start()
    later = time.time() + HOUR - 60
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.background.expiry.time.time", lambda: later)
        store.version(task)
        expiry.stop()
    assert list(TaskStore(database).temporary.delete_expired(later + LATE)) == []
    assert forgotten == []
