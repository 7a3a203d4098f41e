"""An example moves to another class in one change, and the classifier is as if it had always been there."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.computing.callers_fits import CallersFits
from service.problems import Problem
from tests.service.made_images import drawing
from tests.service.test_tasks import ask, create, example_id, form
from tests.service.tiny_service import TINY, serving

FINAL = {1: "a", 2: "a", 3: "b", 4: "b", 5: "c"}


def move(client: TestClient, task: dict[str, Any], seed: int, label: str) -> Any:
    path = f"/v1/tasks/{task['id']}/examples/{example_id(task, seed)}"
    return client.post(path, files={"label": (None, label)})


def moved(client: TestClient, task: dict[str, Any], seed: int, label: str) -> dict[str, Any]:
    answer = move(client, task, seed, label)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def alike(client: TestClient, task: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two tasks have the same classes and estimate, and answer alike."""
    shown = [(one["model"], one["classes"], one["estimate"]) for one in (task, other)]
    return shown[0] == shown[1] and ask(client, task["id"]) == ask(client, other["id"])


@pytest.mark.parametrize("cache_bytes", [0, 2**28])
def test_moved_step_by_step_equals_afresh(tmp_path: Path, cache_bytes: int) -> None:
    with serving(tmp_path, cache_bytes=cache_bytes) as client:
        task = create(client, {1: "b", 2: "a", 3: "b", 4: "a", 5: "b"})
        for version, (seed, label) in enumerate(((1, "a"), (4, " b "), (5, "c")), start=2):
            task = moved(client, task, seed, label)
            assert task["version"] == version
        assert alike(client, task, create(client, FINAL))
    with serving(tmp_path) as client:
        assert client.get(f"/v1/tasks/{task['id']}").json() == task
        assert alike(client, task, create(client, FINAL))


def test_it_keeps_id_place_and_bytes(client: TestClient) -> None:
    task = create(client, FINAL)
    after = moved(client, task, 2, "b")
    labels = {one["id"]: one["label"] for one in task["examples"]}
    assert {one["id"]: one["label"] for one in after["examples"]} == labels | {example_id(task, 2): "b"}
    assert [one["id"] for one in after["examples"]] == [one["id"] for one in task["examples"]]
    path = f"/v1/tasks/{task['id']}/examples/{example_id(task, 2)}"
    assert client.get(path).content == drawing(2)


def test_there_and_back_is_as_before_but_for_the_version(client: TestClient) -> None:
    task = create(client, FINAL)
    answers = ask(client, task["id"])
    away = moved(client, task, 5, "a")
    assert [one["label"] for one in away["classes"]] == ["a", "b"], "with its last image a class goes"
    back = moved(client, task, 5, "c")
    assert back == {**task, "version": 3}
    assert ask(client, task["id"]) == answers


def test_to_the_class_that_it_is_in_changes_nothing(client: TestClient) -> None:
    task = create(client, FINAL)
    assert moved(client, task, 1, "a") == task


def test_by_json_too(client: TestClient) -> None:
    task = create(client, FINAL)
    path = f"/v1/tasks/{task['id']}/examples/{example_id(task, 1)}"
    assert client.post(path, json={"label": "ß/ü"}).json()["classes"][-1] == {"label": "ß/ü", "examples": 1}


def test_beside_its_copy_it_counts_once(client: TestClient) -> None:
    task = create(client, FINAL)
    doubled = client.post(f"/v1/tasks/{task['id']}/examples", **form({1: "c"})).json()
    (copy,) = {one["id"] for one in doubled["examples"]} - {one["id"] for one in task["examples"]}
    path = f"/v1/tasks/{task['id']}/examples/{copy}"
    after = client.post(path, json={"label": "a"}).json()
    fresh = create(client, FINAL)
    assert [one["examples"] for one in after["classes"]] == [3, 2, 1]
    assert after["estimate"] == fresh["estimate"]
    assert ask(client, task["id"]) == ask(client, fresh["id"])


@pytest.mark.parametrize(
    ("body", "title", "field"),
    [
        ({}, "Missing field", "label"),
        ({"label": ""}, "Missing field", "label"),
        ({"label": " "}, "Unusable label", "label"),
        ({"label": "a/.."}, "Unusable label", "label"),
        ({"label": "x" * 101}, "Unusable label", "label"),
        ({"label": ["a"]}, "Unusable label", "label"),
        ({"label": "a", "model": TINY}, "Unexpected field", "model"),
        ({"label": "a", "support": [{"label": "a", "image": "AAAA"}]}, "Unexpected field", "support"),
    ],
)
def test_what_cannot_be_a_label_is_refused(client: TestClient, body: Any, title: str, field: str) -> None:
    task = create(client, FINAL)
    answer = client.post(f"/v1/tasks/{task['id']}/examples/{example_id(task, 1)}", json=body)
    assert (answer.status_code, answer.json()["title"], answer.json()["field"]) == (422, title, field)
    assert client.get(f"/v1/tasks/{task['id']}").json() == task


def test_two_classes_must_remain(client: TestClient) -> None:
    task = create(client, {1: "a", 2: "b", 3: "b"})
    answer = move(client, task, 1, "b")
    assert (answer.status_code, answer.json()["title"]) == (409, "Too few classes would remain")
    assert client.get(f"/v1/tasks/{task['id']}").json() == task


def test_limits_are_for_what_grows(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        task = create(client, FINAL)
    with serving(tmp_path, max_ways=2, max_examples=2) as client:
        assert moved(client, task, 1, "b")["version"] == 2
        assert moved(client, task, 5, "new")["version"] == 3, "in place of the class that it leaves"
        refused = move(client, task, 1, "another")
        assert (refused.status_code, refused.json()["title"]) == (422, "Too many classes")
        assert refused.json()["field"] == "label"


def test_what_is_not_there_cannot_move(client: TestClient) -> None:
    task = create(client, FINAL)
    other = create(client, FINAL)
    for path, kind in (
        (f"/v1/tasks/{task['id']}/examples/x", "example"),
        (f"/v1/tasks/{task['id']}/examples/{example_id(other, 1)}", "example"),
        ("/v1/tasks/x/examples/y", "task"),
    ):
        answer = client.post(path, json={"label": "b"})
        assert (answer.status_code, answer.json()["title"]) == (404, f"Unknown {kind}")


def test_nothing_moves_if_the_fit_fails(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    task = create(client, FINAL)
    answers = ask(client, task["id"])

    async def late(*_: Any) -> Any:
        raise Problem(504, "late")

    with monkeypatch.context() as patch:
        patch.setattr(CallersFits, "change", late)
        assert move(client, task, 1, "b").status_code == 504
    assert client.get(f"/v1/tasks/{task['id']}").json() == task
    assert ask(client, task["id"]) == answers


def test_concurrent_moves_of_two_processes_all_land(tmp_path: Path) -> None:
    with serving(tmp_path) as one, serving(tmp_path) as other:
        task = create(one, {seed: "ab"[seed % 2] for seed in range(1, 9)})
        ask(other, task["id"])
        with ThreadPoolExecutor(2) as callers:
            answers = callers.map(
                lambda client, seed: move(client, task, seed, "c"), [one, other] * 3, range(1, 7)
            )
            assert [answer.status_code for answer in answers] == [200] * 6
        shown = other.get(f"/v1/tasks/{task['id']}").json()
        assert shown["version"] == 7
        assert shown["classes"][-1] == {"label": "c", "examples": 6}
        assert ask(one, task["id"]) == ask(other, task["id"])


def test_moves_while_others_add_and_delete(client: TestClient) -> None:
    task = create(client, {seed: "ab"[seed % 2] for seed in range(1, 9)})
    path = f"/v1/tasks/{task['id']}/examples"
    changes = [
        lambda: move(client, task, 1, "a"),
        lambda: client.post(path, **form({11: "c"})),
        lambda: move(client, task, 2, "c"),
        lambda: client.delete(f"{path}/{example_id(task, 3)}"),
    ]
    with ThreadPoolExecutor(4) as callers:
        assert [one.status_code for one in callers.map(lambda change: change(), changes)] == [200] * 4
    shown = client.get(f"/v1/tasks/{task['id']}").json()
    assert shown["version"] == 5
    labelled = {int(one["filename"].partition(".")[0]): one["label"] for one in shown["examples"]}
    assert labelled == {1: "a", 2: "c", 4: "a", 5: "b", 6: "a", 7: "b", 8: "a", 11: "c"}
    fresh = create(client, labelled)
    assert alike(client, shown, fresh)
