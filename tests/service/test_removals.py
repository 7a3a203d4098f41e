"""What is removed from a task only if nobody has changed it: who shows it takes no more away than is shown."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.service.test_tasks import create, example_id, form
from tests.service.tiny_service import serving

LABELLED = {1: "a", 2: "a", 3: "b", 4: "c"}


@pytest.mark.parametrize("what", ["examples/{}", "classes/a"])
def test_of_another_version_nothing_is_removed(client: TestClient, what: str) -> None:
    task = create(client, LABELLED)
    path = f"/v1/tasks/{task['id']}"
    removed = f"{path}/{what.format(example_id(task, 1))}"
    grown = client.post(f"{path}/examples", **form({5: "a"})).json()
    refused = client.delete(removed, params={"version": task["version"]})
    assert (refused.status_code, refused.json()["title"]) == (409, "Task changed")
    assert "is at version 2 by now, not 1" in refused.json()["detail"]
    assert client.get(path).json() == grown
    left = client.delete(removed, params={"version": 2}).json()
    assert (left["version"], len(left["examples"]) < 5) == (3, True)
    assert client.delete(removed, params={"version": 3}).status_code == 404


def test_what_comes_while_a_removal_is_fitted_is_not_removed_along(tmp_path: Path) -> None:
    """Of two processes that share a store."""
    with serving(tmp_path) as one, serving(tmp_path) as other, ThreadPoolExecutor(2) as callers:
        for round_ in range(5):
            path = f"/v1/tasks/{create(one, LABELLED)['id']}"
            gone = callers.submit(other.delete, f"{path}/classes/a", params={"version": 1})
            added = one.post(f"{path}/examples", **form({5 + round_: "a"}))
            assert added.status_code == 200
            assert gone.result().status_code in (200, 409)
            names = {example["filename"] for example in one.get(path).json()["examples"]}
            assert f"{5 + round_}.png" in names


@pytest.mark.parametrize("version", ["0", "x", "-1", ""])
def test_what_is_no_version_is_refused(client: TestClient, version: str) -> None:
    path = f"/v1/tasks/{create(client, LABELLED)['id']}"
    refused = client.delete(f"{path}/classes/a", params={"version": version})
    assert (refused.status_code, refused.json()["field"]) == (422, "version")
    assert client.get(path).json()["version"] == 1
