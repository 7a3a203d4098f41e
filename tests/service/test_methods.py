"""What each address takes: HEAD wherever GET is, and what else is told what would be."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.service.made_images import drawing
from tests.service.tiny_service import ended


@pytest.fixture(scope="module")
def task(client: TestClient) -> str:
    files = [("support", (f"{label}.png", drawing(seed))) for seed, label in enumerate("ab")]
    answer = client.post("/v1/tasks", files=files, data={"labels": ["a", "b"]})
    return str(answer.json()["id"])


def check(answer: Any, status: int, words: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_head_is_get_without_a_body(client: TestClient, task: str) -> None:
    job = client.post(f"/v1/tasks/{task}/jobs", files={"query": ("q.png", drawing(3))}).json()["id"]
    assert ended(client, job)["status"] == "done"
    paths = ["/v1/tasks", "/v1/jobs", "/", "/page/main.js", "/v1/tasks/nothing", "/v1/tasks?limit=0"]
    for path in (*paths, "/v1/models", f"/v1/tasks/{task}", f"/v1/jobs/{job}", f"/v1/jobs/{job}/results"):
        whole, head = client.get(path), client.head(path)
        assert head.status_code == whole.status_code
        for name in ("content-type", "content-length", "content-disposition"):
            assert head.headers.get(name) == whole.headers.get(name)
        assert (head.content, bool(whole.content)) == (b"", True)
    assert client.head("/metrics").status_code == 200
    counted = client.get("/metrics").text
    assert 'metashot_requests_total{method="HEAD",route="/v1/tasks/{task_id}",status="200"} 1.0' in counted


def test_another_method_is_told_which_are_taken(client: TestClient, task: str) -> None:
    answer = client.put(f"/v1/tasks/{task}")
    check(answer, 405, "GET, HEAD, DELETE is")
    assert answer.headers["allow"] == "GET, HEAD, DELETE"
    assert client.head("/v1/classify").headers["allow"] == "POST"
    assert client.get(f"/v1/tasks/{task}").status_code == 200


@pytest.mark.parametrize("method", ["TRACE", "FOO"])
def test_a_method_that_nothing_takes_is_told_all_that_are(client: TestClient, task: str, method: str) -> None:
    answer = client.request(method, f"/v1/tasks/{task}")
    check(answer, 405, f"{method} is not for /v1/tasks/{task}; GET, HEAD, DELETE is")
    assert answer.headers["allow"] == "GET, HEAD, DELETE"
    assert client.request(method, "/v1/tasks").headers["allow"] == "GET, HEAD, POST"
    check(client.request(method, "/nowhere"), 404, "there is nothing at /nowhere;")


def test_a_deletion_answers_nothing_that_a_client_would_read(client: TestClient) -> None:
    files = [("support", (f"{label}.png", drawing(seed))) for seed, label in enumerate("ab")]
    made = client.post("/v1/tasks", files=files, data={"labels": ["a", "b"]}).json()
    job = client.post(f"/v1/tasks/{made['id']}/jobs", files={"query": ("q.png", drawing(3))}).json()["id"]
    assert ended(client, job)["status"] == "done"
    for path in (f"/v1/tasks/{made['id']}", f"/v1/jobs/{job}"):
        answer = client.delete(path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "content-type" not in answer.headers


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/tasks/"])
def test_there_is_nothing_beside_the_routes(client: TestClient, path: str) -> None:
    check(client.get(path, follow_redirects=False), 404, f"there is nothing at {path};")
