"""Kept classifiers: they grow and shrink as if made afresh, and stay over a restart."""

import asyncio
import base64
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from service.computing.callers_fits import CallersFits
from service.store.database import FILE
from tests.service.made_images import drawing, zipped
from tests.service.tiny_service import TINY, ended, serving

QUERIES = [("query", (f"{seed}.png", drawing(seed))) for seed in (21, 22, 23)]


def form(labelled: dict[int, str]) -> dict[str, Any]:
    """Drawings by their seeds, with labels."""
    files = [("support", (f"{seed}.png", drawing(seed))) for seed in labelled]
    return {"files": files, "data": {"labels": list(labelled.values())}}


def create(client: TestClient, labelled: dict[int, str]) -> dict[str, Any]:
    answer = client.post("/v1/tasks", **form(labelled))
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/tasks/{answer.json()['id']}"
    return dict(answer.json())


def ask(client: TestClient, task: str) -> list[dict[str, Any]]:
    """Answers without what differs between tasks: the ids of nearest examples."""
    answer = client.post(f"/v1/tasks/{task}/classify", files=QUERIES)
    assert answer.status_code == 200, answer.text
    predictions: list[dict[str, Any]] = answer.json()["predictions"]
    known = {one["id"] for one in client.get(f"/v1/tasks/{task}").json()["examples"]}
    for prediction in predictions:
        assert {near.pop("id") for near in prediction["nearest"]} <= known
    return predictions


def example_id(task: dict[str, Any], seed: int) -> str:
    return next(str(one["id"]) for one in task["examples"] if one["filename"] == f"{seed}.png")


DECOMPOSED = " e\u0301 "
FINAL = {1: "a", 2: "a", 3: "b", 6: "ß/ü", 7: "ß/ü"}


def test_step_by_step_equals_afresh(client: TestClient) -> None:
    grown = create(client, {3: "b", 4: "b", 5: "gone"})
    task = grown["id"]
    assert client.post(f"/v1/tasks/{task}/examples", **form({1: "a", 7: "ß/ü"})).json()["version"] == 2
    assert client.delete(f"/v1/tasks/{task}/examples/{example_id(grown, 4)}").json()["version"] == 3
    assert client.delete(f"/v1/tasks/{task}/classes/gone").json()["version"] == 4
    last = client.post(f"/v1/tasks/{task}/examples", **form({6: "ß/ü", 2: "a"})).json()

    fresh = create(client, FINAL)
    assert last["version"] == 5
    assert last["classes"] == fresh["classes"]
    assert last["estimate"] == fresh["estimate"]
    assert ask(client, task) == ask(client, fresh["id"])


def test_what_another_task_calls_the_same_images_is_not_mixed_up(client: TestClient) -> None:
    """Preprocessed images are remembered by their content alone, whichever task they were stored for first."""
    create(client, {11: "a", 12: "b", 13: "b"})
    swapped, added = {11: "b", 12: "a", 13: "a"}, {14: "b"}
    other, fresh = form(swapped), form(swapped | added)
    for given in (other, fresh):
        given["files"] = [(field, (f"other {name}", content)) for field, (name, content) in given["files"]]
    task = client.post("/v1/tasks", **other).json()["id"]
    more = form(added)
    more["files"] = fresh["files"][-1:]
    assert client.post(f"/v1/tasks/{task}/examples", **more).status_code == 200
    assert ask(client, task) == ask(client, client.post("/v1/tasks", **fresh).json()["id"])


def test_copies_leave_estimate_and_answers_as_they_are(client: TestClient) -> None:
    plain = create(client, FINAL)
    doubled = create(client, FINAL)
    grown = client.post(f"/v1/tasks/{doubled['id']}/examples", **form(FINAL)).json()
    assert [one["examples"] for one in grown["classes"]] == [4, 2, 4]
    assert grown["estimate"] == plain["estimate"]
    assert ask(client, doubled["id"]) == ask(client, plain["id"])
    less = client.delete(f"/v1/tasks/{doubled['id']}/examples/{example_id(doubled, 3)}").json()
    assert less["estimate"] == plain["estimate"]
    assert ask(client, doubled["id"]) == ask(client, plain["id"])

    once, twice = form(FINAL), form(FINAL)
    twice["files"] *= 2
    twice["data"]["labels"] *= 2
    answers = []
    for given in (once, twice):
        answers.append(client.post("/v1/classify", files=given["files"] + QUERIES, data=given["data"]).json())
    assert answers[0] == answers[1]


def test_a_class_whose_name_holds_a_slash_can_be_deleted(client: TestClient) -> None:
    task = create(client, FINAL)["id"]
    answer = client.delete(f"/v1/tasks/{task}/classes/{quote('ß/ü', safe='')}")
    assert [one["label"] for one in answer.json()["classes"]] == ["a", "b"]


def test_a_class_is_found_by_any_spelling_that_would_make_it(client: TestClient) -> None:
    task = create(client, {1: "a", 2: "b", 3: DECOMPOSED})["id"]
    answer = client.delete(f"/v1/tasks/{task}/classes/{quote(DECOMPOSED)}")
    assert [one["label"] for one in answer.json()["classes"]] == ["a", "b"]
    assert client.delete(f"/v1/tasks/{task}/classes/{quote(DECOMPOSED)}").status_code == 404


@pytest.mark.parametrize("label", ["..", "a/../b"])
def test_no_class_has_a_name_whose_deletion_reaches_something_else(client: TestClient, label: str) -> None:
    before = client.get("/v1/tasks").json()
    task = create(client, {1: "a", 2: "b"})
    path = f"/v1/tasks/{task['id']}/examples"
    image = base64.b64encode(drawing(3)).decode()
    in_json = {"support": [{"label": label, "image": image}]}
    for answer in (
        client.post("/v1/tasks", **form({1: "a", 2: "b", 3: label})),
        client.post(path, **form({3: label})),
        client.post(path, json=in_json),
    ):
        assert answer.status_code == 422
        assert (answer.json()["title"], answer.json()["field"]) in {
            ("Unusable label", "labels"),
            ("Unusable label", "support[0].label"),
        }
    assert client.get(f"/v1/tasks/{task['id']}").json() == task
    assert client.delete(f"/v1/tasks/{task['id']}").status_code == 204
    assert client.get("/v1/tasks").json() == before


def test_an_archive_and_json_make_the_same_task(client: TestClient) -> None:
    archive = zipped({f"top/{label}/{seed}.png": drawing(seed) for seed, label in FINAL.items()})
    zipped_task = client.post("/v1/tasks", files={"archive": ("s.zip", archive)}).json()
    fresh = create(client, FINAL)
    assert zipped_task["classes"] == fresh["classes"]
    answers = [
        client.post(f"/v1/tasks/{task['id']}/classify", files=QUERIES).json()["predictions"][0]["probabilities"]
        for task in (zipped_task, fresh)
    ]
    assert answers[0] == answers[1]


def test_what_a_task_shows(client: TestClient) -> None:
    task = client.post(
        "/v1/tasks", files=form(FINAL)["files"], data=form(FINAL)["data"] | {"name": "Tinte"}
    ).json()
    assert (task["name"], task["version"], task["model"]) == ("Tinte", 1, TINY)
    assert task["classes"] == [
        {"label": "a", "examples": 2},
        {"label": "b", "examples": 1},
        {"label": "ß/ü", "examples": 2},
    ]
    assert task["estimate"] == {"accuracy": 0.9, "low": 0.8, "high": 0.95}, "a class of one: from the card"
    assert client.get(f"/v1/tasks/{task['id']}").json() == task
    assert 0 <= create(client, {1: "a", 2: "a", 3: "b", 4: "b"})["estimate"]["low"] <= 1
    assert client.delete(f"/v1/tasks/{task['id']}").status_code == 204
    assert client.get(f"/v1/tasks/{task['id']}").status_code == 404
    assert client.post(f"/v1/tasks/{task['id']}/classify", files=QUERIES).status_code == 404


def test_to_ask_a_task_writes_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        task = create(client, FINAL)["id"]
    with serving(tmp_path) as client, closing(sqlite3.connect(tmp_path / FILE)) as beside:
        before = beside.execute("PRAGMA data_version").fetchone()
        for _ in range(2):  # fitted again from the store, and from memory
            ask(client, task)
        assert beside.execute("PRAGMA data_version").fetchone() == before


def test_concurrent_additions_all_land(client: TestClient) -> None:
    task = create(client, {1: "a", 3: "b"})["id"]
    with ThreadPoolExecutor(4) as callers:
        added = callers.map(
            lambda seed: client.post(f"/v1/tasks/{task}/examples", **form({seed: "c"})).status_code, range(31, 37)
        )
        assert list(added) == [200] * 6
    shown = client.get(f"/v1/tasks/{task}").json()
    assert shown["version"] == 7
    assert shown["classes"][-1] == {"label": "c", "examples": 6}


def test_pages_hold_every_task_once_while_more_come(client: TestClient) -> None:
    made = [create(client, {1: "a", 3: "b"})["id"] for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    for _ in range(30):
        page = client.get(f"/v1/tasks?limit=2{cursor}").json()
        assert len(page["items"]) <= 2
        seen += [one["id"] for one in page["items"]]
        create(client, {1: "a", 3: "b"})
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen))
    assert seen[:5] == made[::-1]


def test_a_restart_keeps_tasks_and_their_answers(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        task = create(client, FINAL)
        answers = ask(client, task["id"])
    with serving(tmp_path, cache_bytes=0) as client:
        assert client.get("/v1/tasks").json()["items"][0]["id"] == task["id"]
        assert client.get(f"/v1/tasks/{task['id']}").json() == task
        assert ask(client, task["id"]) == answers


def test_limits_that_are_tighter_by_now_are_for_what_callers_send(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        task = client.post("/v1/tasks", **form({1: "a", 2: "a", 3: "b", 4: "c"})).json()
    small = {"query": ("small.png", drawing(5, side=20))}
    tighter = {"max_pixels": 20 * 20, "max_ways": 2, "max_examples": 2}
    with serving(tmp_path, **tighter) as client:
        address = f"/v1/tasks/{task['id']}"
        assert client.post(f"{address}/classify", files=small).status_code == 200
        assert client.post(f"{address}/jobs", files=small).status_code == 202
        large = client.post(f"{address}/classify", files={"query": ("large.png", drawing(6))})
        assert (large.status_code, large.json()["file"]) == (413, "large.png")
        assert client.post(f"{address}/examples", **form({7: "a"})).status_code == 422
        assert client.delete(f"{address}/examples/{task['examples'][0]['id']}").status_code == 200
        assert client.delete(f"{address}/classes/c").json()["version"] == 3


def test_two_processes_share_one_store(tmp_path: Path) -> None:
    """As two workers of one server do: each sees what the other changed, and no change is lost."""
    with serving(tmp_path) as one, serving(tmp_path) as other:
        task = create(one, FINAL)["id"]
        assert ask(other, task) == ask(one, task)
        with ThreadPoolExecutor(2) as callers:
            added = callers.map(
                lambda client, seed: client.post(f"/v1/tasks/{task}/examples", **form({seed: "new"})).status_code,
                [one, other] * 3,
                range(41, 47),
            )
            assert list(added) == [200] * 6
        assert other.get(f"/v1/tasks/{task}").json()["version"] == 7
        assert ask(one, task) == ask(other, task)

        images = zipped({f"{seed}.png": drawing(seed) for seed in range(51, 71)})
        jobs = [
            client.post(f"/v1/tasks/{task}/jobs", files={"archive": ("i.zip", images)}).json()["id"]
            for client in (one, other)
        ]
        for job in jobs:
            assert ended(one, job)["status"] == "done"
            rows = other.get(f"/v1/jobs/{job}/results").text.splitlines()
            assert [json.loads(row)["filename"] for row in rows] == [f"{seed}.png" for seed in range(51, 71)]


def test_of_a_task_only_its_present_version_is_kept_in_memory(client: TestClient) -> None:
    cache = client.app.state.components.classifiers._cache

    def versions(task: str) -> list[int]:
        return [key[1] for key in cache._kept if key[0] == task]

    task = create(client, {1: "a", 2: "b"})["id"]
    assert versions(task) == [1]
    assert client.post(f"/v1/tasks/{task}/examples", **form({3: "b"})).status_code == 200
    assert versions(task) == [2]
    assert client.delete(f"/v1/tasks/{task}").status_code == 204
    assert versions(task) == []


def test_a_task_that_is_deleted_while_it_is_fitted_does_not_stay_in_memory(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = client.app.state.components.classifiers._cache
    task = create(client, {1: "a", 2: "b"})["id"]
    cache.drop(lambda key: key[0] == task)  # as it is after a restart
    refit = CallersFits.refit

    async def deleted_meanwhile(*given: Any) -> Any:
        fitted = await refit(*given)
        assert client.delete(f"/v1/tasks/{task}").status_code == 204
        return fitted

    monkeypatch.setattr(CallersFits, "refit", deleted_meanwhile)
    components = client.app.state.components
    asyncio.run(components.classifiers.of_task(task))
    assert [key for key in cache._kept if key[0] == task] == []
