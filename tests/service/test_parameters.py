"""Query parameters: one that a route does not take, or that comes twice, is refused, and told what there is."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.service.made_images import drawing

FILES = [("support", (f"{seed}.png", drawing(seed))) for seed in range(2)]
IN_BODY = "which takes none; send it in the body"


def check(answer: Any, field: str, words: str) -> None:
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["title"], answer.json()["field"]) == ("Unexpected parameter", field)
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("given", ["limt=5", "limit=5&limt=5", "limt=5&limit=none", "limt", "limt="])
def test_a_parameter_that_a_route_does_not_take_is_refused(client: TestClient, given: str) -> None:
    check(client.get(f"/v1/tasks?{given}"), "limt", "which takes limit, cursor, temporary")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/jobs", "which takes limit, cursor"),
        ("/v1/jobs/x/results", "which takes format"),
        ("/v1/jobs/x", "which takes none; leave it out"),
        ("/v1/tasks/x", "which takes none; leave it out"),
        ("/v1/models", "which takes none; leave it out"),
    ],
)
def test_every_route_tells_its_own_parameters(client: TestClient, path: str, words: str) -> None:
    check(client.get(f"{path}?formt=csv"), "formt", words)
    assert client.head(f"{path}?formt=csv").status_code == 422


def test_what_belongs_in_a_body_is_told_so(client: TestClient) -> None:
    form: dict[str, Any] = {"files": FILES, "data": {"labels": ["a", "b"]}}
    check(client.post("/v1/tasks?name=letters", **form), "name", IN_BODY)
    assert client.get("/v1/tasks").json()["items"] == []
    query = {"files": [*FILES, ("query", ("q.png", drawing(2)))], "data": {"labels": ["a", "b"]}}
    check(client.post("/v1/classify?keep_known=0.9", **query), "keep_known", IN_BODY)
    for path in ("keep", "examples", "classify"):
        check(client.post(f"/v1/tasks/x/{path}?name=b"), "name", IN_BODY)
    check(client.post("/v1/tasks/x/jobs?name=b"), "name", "which takes id; send all else in the body")


def test_nothing_is_deleted_with_a_parameter(client: TestClient) -> None:
    task = client.post("/v1/tasks", files=FILES, data={"labels": ["a", "b"]}).json()["id"]
    for path, taken in (("", "none; leave it out"), ("/classes/a", "version"), ("/examples/x", "version")):
        check(client.delete(f"/v1/tasks/{task}{path}?dry_run=true"), "dry_run", f"takes {taken}")
    assert client.delete(f"/v1/tasks/{task}").status_code == 204


def test_a_question_mark_in_a_label_is_no_parameter(client: TestClient) -> None:
    task = client.post("/v1/tasks", files=[*FILES, FILES[0]], data={"labels": ["a", "b", "a?c"]}).json()["id"]
    check(client.delete(f"/v1/tasks/{task}/classes/a?c"), "c", "write a ? within the address itself as %3F")
    left = client.delete(f"/v1/tasks/{task}/classes/a%3Fc").json()["classes"]
    assert [one["label"] for one in left] == ["a", "b"]


def test_a_parameter_given_twice_is_refused(client: TestClient) -> None:
    check(client.get("/v1/jobs/x/results?format=csv&format=csv"), "format", "'format' is given twice")


def test_a_name_is_told_in_one_line(client: TestClient) -> None:
    check(client.get("/v1/tasks?a%0Ab%00=1"), "a\ufffdb\ufffd", "'a\ufffdb\ufffd' is no parameter")


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/docs.json", "/metrics", "/v1/tasks?"])
def test_other_addresses_take_any(client: TestClient, path: str) -> None:
    assert client.get(path if path.endswith("?") else f"{path}?v=2").status_code == 200


def test_an_address_with_nothing_there_is_told_first(client: TestClient) -> None:
    assert client.get("/v1/task?limit=5").status_code == 404
    assert client.put("/v1/tasks?limt=5").status_code == 405
