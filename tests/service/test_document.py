"""The OpenAPI document: what requests must hold, and what answers are."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.results import MEDIA_TYPES
from tests.service.made_images import drawing
from tests.service.tiny_service import serving

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}}
FORM, JSON = "multipart/form-data", "application/json"


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/docs.json").json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def body(document: dict[str, Any], path: str, kind: str) -> dict[str, Any]:
    reference = document["paths"][path]["post"]["requestBody"]["content"][kind]["schema"]["$ref"]
    return dict(document["components"]["schemas"][reference.rpartition("/")[2]])


def named(part: Any) -> set[str]:
    return set(re.findall(r"'#/components/schemas/(\w+)'", str(part)))


def test_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        refusals = {status: one for status, one in operation["responses"].items() if status[0] in "45"}
        if path.startswith("/v1/"):
            assert {"4XX", "500"} <= refusals.keys(), (method, path)
            for refusal in refusals.values():
                assert refusal["content"] == PROBLEM, (method, path)


def test_limits_are_told_as_they_are_set(tmp_path: Path) -> None:
    names = ("file_bytes", "request_bytes", "archive_bytes", "files", "archive_entries", "pixels", "ways")
    limits = {f"max_{name}": 2000 + number for number, name in enumerate(names)} | {"upload_s": 7.5}
    with serving(tmp_path, **limits) as client:
        told = client.get("/docs.json").json()["info"]["description"]
    assert set(map(str, limits.values())) <= set(re.findall(r"[\d.]+", told))


def test_every_operation_is_introduced(document: dict[str, Any]) -> None:
    found = list(operations(document))
    for said in ("operationId", "summary"):
        assert len({operation[said] for _, _, operation in found}) == len(found), said
    for method, path, operation in found:
        assert re.fullmatch("[a-z_]+", operation["operationId"]), (method, path)
        assert "Successful Response" not in str(operation), (method, path)
        assert all(one["description"] for one in operation.get("parameters", [])), (method, path)


def test_all_schemas_are_used(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert named(document) == set(schemas)
    for _, path, operation in operations(document):
        assert all(name.endswith("Answer") for name in named(operation["responses"])), path
        for name in named(operation.get("requestBody")):
            assert name.endswith(("Form", "Json")), path
            assert named(schemas[name]) <= {"SupportItem", "QueryItem"}, path


def test_what_is_enforced_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    text = {"type": "string", "minLength": 1, "maxLength": 100}
    assert schemas["SupportItem"]["properties"]["label"].items() >= text.items()
    assert not any(schemas[name]["additionalProperties"] for name in ("SupportItem", "QueryItem"))
    for kind in (FORM, JSON):
        making, classifying = (body(document, path, kind)["properties"] for path in ("/v1/tasks", "/v1/classify"))
        assert making["name"].items() >= text.items()
        assert (classifying["support"]["minItems"], classifying["query"]["minItems"]) == (1, 1)
    assert body(document, "/v1/tasks", FORM)["properties"]["labels"]["items"].items() >= text.items()
    for name, member in (("TaskAnswer", "created"), ("JobAnswer", "created"), ("JobAnswer", "finished")):
        assert "date-time" in str(schemas[name]["properties"][member])
    for member in ("accuracy", "low", "high"):
        assert schemas["EstimateAnswer"]["properties"][member].items() >= {"minimum": 0, "maximum": 1}.items()


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
    required = {
        "/v1/classify": ["query"],
        "/v1/tasks": [],  # support or archive
        "/v1/tasks/{task_id}/keep": ["name"],
        "/v1/tasks/{task_id}/examples": [],
        "/v1/tasks/{task_id}/examples/{example_id}": ["label"],
        "/v1/tasks/{task_id}/classify": ["query"],
        "/v1/tasks/{task_id}/jobs": [],  # archive or query
    }
    assert {path for _, path, one in operations(document) if "requestBody" in one} == required.keys()
    for path, names in required.items():
        for kind in (FORM, JSON):
            described = body(document, path, kind)
            assert described.get("required", []) == names, path
            assert set(names) <= described["properties"].keys()
            # Rules beyond these, such as anyOf, make programs that generate clients give up on the whole body.
            assert described.keys() <= {"type", "description", "properties", "required", "additionalProperties"}
            assert described["additionalProperties"] is False  # others are refused
            if not names:
                assert re.search("give .* or ", described["description"]), path
    taken = body(document, "/v1/classify", FORM)["properties"].keys()
    assert taken == {"support", "labels", "archive", "query", "model", "keep_known"}


def test_bodies_have_the_fields_that_are_taken(client: TestClient, document: dict[str, Any]) -> None:
    image = base64.b64encode(drawing()).decode()
    given = {"support": [{"label": label, "image": image} for label in "ab"], "query": [{"image": image}]}
    task = client.post("/v1/tasks", json={"support": given["support"]}).json()["id"]
    for method, path, operation in operations(document):
        if "requestBody" not in operation:
            continue
        taken = body(document, path, JSON)["properties"]
        images = {name: value for name, value in given.items() if name in taken}
        for field in ("model", "name", "label", "keep_known", "expires_in"):
            answer = client.request(method, path.format(task_id=task, example_id="x"), json={**images, field: []})
            assert (answer.status_code, answer.json()["field"]) == (422, field)
            assert (field in taken) == (answer.json()["title"] != "Unexpected field"), path


def test_readiness_may_be_refused(document: dict[str, Any]) -> None:
    assert {"/livez", "/readyz", "/healthz", "/metrics"} <= document["paths"].keys()
    assert document["paths"]["/readyz"]["get"]["responses"].keys() == {"200", "503"}
