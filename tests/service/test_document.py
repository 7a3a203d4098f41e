"""The OpenAPI document: what requests must hold, and what answers are."""

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.results import MEDIA_TYPES
from tests.service.made_images import drawing
from tests.service.tiny_service import serving

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}}
FORM, JSON = "multipart/form-data", "application/json"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with serving(tmp_path_factory.mktemp("var")) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/docs.json").json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def body(document: dict[str, Any], path: str, kind: str) -> dict[str, Any]:
    return dict(document["paths"][path]["post"]["requestBody"]["content"][kind]["schema"])


def test_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        refusals = {status: one for status, one in operation["responses"].items() if status[0] in "45"}
        if path.startswith("/v1/"):
            assert {"4XX", "500"} <= refusals.keys(), (method, path)
            for refusal in refusals.values():
                assert refusal["content"] == PROBLEM, (method, path)


def test_what_is_answered_is_what_is_described(client: TestClient, document: dict[str, Any]) -> None:
    problem = client.get("/v1/tasks/nothing").json()
    schema = document["components"]["schemas"]["ProblemAnswer"]
    assert set(schema["required"]) <= problem.keys() <= schema["properties"].keys()


def test_all_schemas_are_those_of_answers(client: TestClient, document: dict[str, Any]) -> None:
    used = set(re.findall(r'"#/components/schemas/(\w+)"', client.get("/docs.json").text))
    assert used == set(document["components"]["schemas"])
    assert all(name.endswith("Answer") for name in used)


def test_results_have_three_formats(client: TestClient, document: dict[str, Any]) -> None:
    results = document["paths"]["/v1/jobs/{job_id}/results"]["get"]
    assert results["responses"]["200"]["content"].keys() == set(MEDIA_TYPES.values())
    assert all(one["schema"] for one in results["responses"]["200"]["content"].values())
    assert [one["schema"]["enum"] for one in results["parameters"] if one["name"] == "format"] == [[*MEDIA_TYPES]]
    other = client.get("/v1/jobs/x/results?format=xml")
    assert (other.status_code, other.json()["field"]) == (422, "format")


def test_what_is_made_has_an_address(document: dict[str, Any]) -> None:
    for path, status in (("/v1/tasks", "201"), ("/v1/tasks/{task_id}/jobs", "202")):
        made = document["paths"][path]["post"]["responses"][status]
        assert made["headers"]["Location"]["schema"] == {"type": "string"}
        assert made["content"][JSON]["schema"]["$ref"]


def test_what_a_body_must_hold(document: dict[str, Any]) -> None:
    examples = {
        FORM: [{"required": ["support", "labels"]}, {"required": ["archive"]}],
        JSON: [{"required": ["support"]}, {"required": ["archive"]}],
    }
    for kind in (FORM, JSON):
        for path in ("/v1/classify", "/v1/tasks", "/v1/tasks/{task_id}/examples"):
            assert body(document, path, kind)["anyOf"] == examples[kind]
        for path in ("/v1/classify", "/v1/tasks/{task_id}/classify"):
            assert body(document, path, kind)["required"] == ["query"]
        either = [{"required": ["archive"]}, {"required": ["query"]}]
        assert body(document, "/v1/tasks/{task_id}/jobs", kind)["oneOf"] == either
    for _, path, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            rules = content["schema"]
            some = [rules, *rules.get("anyOf", []), *rules.get("oneOf", [])]
            named = {name for one in some for name in one.get("required", [])}
            assert named, path
            assert named <= rules["properties"].keys()


def test_bodies_have_the_fields_that_are_taken(client: TestClient, document: dict[str, Any]) -> None:
    image = base64.b64encode(drawing()).decode()
    given = {"support": [{"label": label, "image": image} for label in "ab"], "query": [{"image": image}]}
    task = client.post("/v1/tasks", json={"support": given["support"]}).json()["id"]
    for method, path, operation in operations(document):
        if "requestBody" not in operation:
            continue
        taken = body(document, path, JSON)["properties"]
        images = {name: value for name, value in given.items() if name in taken}
        for field in ("model", "name", "keep_known", "expires_in"):
            answer = client.request(method, path.format(task_id=task), json={**images, field: []})
            assert (answer.status_code, answer.json()["field"]) == (422, field)
            assert (field in taken) == (answer.json()["title"] != "Unexpected field"), path


def test_readiness_may_be_refused(document: dict[str, Any]) -> None:
    assert {"/livez", "/readyz", "/healthz", "/metrics"} <= document["paths"].keys()
    assert document["paths"]["/readyz"]["get"]["responses"].keys() == {"200", "503"}
