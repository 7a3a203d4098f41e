"""The operating point of ``unknown`` is the request's to choose, wherever queries are answered."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from models.confidence import KEPT
from models.task_size import BySize
from service.__main__ import main
from tests.made_confidence import constant_confidence
from tests.service.made_images import drawing
from tests.service.tiny_service import ended, save_tiny, serving

# Nothing is known enough where at most 90 % are to be kept, and everything where 95 % are.
STRICT = replace(constant_confidence(), familiar=tuple(BySize(2.0 if share <= 0.9 else -2.0) for share in KEPT))
CHOOSY = "choosy"
SUPPORT = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
QUERY = ("query", ("3.png", drawing(3)))
LABELS: dict[str, Any] = {"labels": ["a", "b"], "model": CHOOSY}
BAD = ["no number", "0.49", "1", "nan", "1e999", "-0.9"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("var")
    save_tiny(data_dir / "initializations" / CHOOSY, name=CHOOSY, confidence=STRICT)
    return data_dir


@pytest.fixture(scope="module")
def client(data_dir: Path) -> Iterator[TestClient]:
    with serving(data_dir) as client:
        yield client


@pytest.fixture(scope="module")
def task(client: TestClient) -> str:
    return str(client.post("/v1/tasks", files=SUPPORT, data=LABELS).json()["id"])


def unknown(answer: Any) -> bool:
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["predictions"][0]["unknown"])


def refused(answer: Any) -> None:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == "keep_known"


@pytest.mark.parametrize(
    ("given", "flagged"),
    [
        ({}, False),
        ({"keep_known": ""}, False),
        ({"keep_known": "0.5"}, True),
        ({"keep_known": "0.9"}, True),
        ({"keep_known": "0.999"}, False),
    ],
)
def test_forms(client: TestClient, task: str, given: dict[str, str], flagged: bool) -> None:
    assert unknown(client.post("/v1/classify", files=[*SUPPORT, QUERY], data=LABELS | given)) is flagged
    assert unknown(client.post(f"/v1/tasks/{task}/classify", files=[QUERY], data=given)) is flagged


def test_json_takes_a_number(client: TestClient, task: str) -> None:
    document = {"query": [{"image": base64.b64encode(drawing(3)).decode()}]}
    path = f"/v1/tasks/{task}/classify"
    assert unknown(client.post(path, json=document | {"keep_known": 0.9}))
    assert not unknown(client.post(path, json=document | {"keep_known": 0.99}))
    for bad in (2, True, [0.9], {"share": 0.9}):
        refused(client.post(path, json=document | {"keep_known": bad}))
    refused(client.post(f"/v1/tasks/{task}/jobs", json=document | {"keep_known": True}))


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_share_is_refused(client: TestClient, task: str, bad: str) -> None:
    refused(client.post("/v1/classify", files=[*SUPPORT, QUERY], data=LABELS | {"keep_known": bad}))
    refused(client.post(f"/v1/tasks/{task}/classify", files=[QUERY], data={"keep_known": bad}))
    refused(client.post(f"/v1/tasks/{task}/jobs", files=[QUERY], data={"keep_known": bad}))


def test_making_a_task_takes_none(client: TestClient) -> None:
    refused(client.post("/v1/tasks", files=SUPPORT, data=LABELS | {"keep_known": "0.9"}))


@pytest.mark.parametrize("keep", [0.9, 0.95])
def test_jobs(client: TestClient, task: str, keep: float) -> None:
    job = client.post(f"/v1/tasks/{task}/jobs", files=[QUERY], data={"keep_known": str(keep)}).json()
    assert ended(client, job["id"])["status"] == "done"
    row = json.loads(client.get(f"/v1/jobs/{job['id']}/results").text)
    assert row["unknown"] is (keep == 0.9)


def test_the_document_tells_of_it(client: TestClient) -> None:
    document = client.get("/docs.json").json()

    def properties(path: str) -> Iterator[dict[str, Any]]:
        for content in document["paths"][path]["post"]["requestBody"]["content"].values():
            yield document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]["properties"]

    for path in ("/v1/classify", "/v1/tasks/{task_id}/classify", "/v1/tasks/{task_id}/jobs"):
        for taken in properties(path):
            schema = taken["keep_known"]
            assert (schema["minimum"], schema["maximum"], schema["default"]) == (KEPT[0], KEPT[-1], 0.95)
    assert all("keep_known" not in taken for taken in properties("/v1/tasks"))


def test_the_command_line_takes_it(
    client: TestClient, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name, seed in (("support/a/1", 1), ("support/b/2", 2), ("query/3", 3)):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawing(seed))
    monkeypatch.setenv("DATA_DIR", str(data_dir))
    given = ["classify", "--support", str(tmp_path / "support"), "--query", str(tmp_path / "query")]
    given += ["--model", CHOOSY]
    for keep, flagged in (("0.9", True), ("0.95", False)):
        assert main([*given, "--keep-known", keep]) == 0
        assert ("fits none of the classes" in capsys.readouterr().out) is flagged
    assert main([*given, "--keep-known", "2"]) == 2
    assert "keep_known" in capsys.readouterr().err
