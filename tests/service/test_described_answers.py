"""What the service answers is what its OpenAPI document describes: every member, and no other."""

import base64
import json
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.testclient import TestClient

from service import answers
from tests.service.made_images import drawing
from tests.service.tiny_service import ended

SUPPORT = [("support", (f"{label}.png", drawing(seed))) for seed, label in enumerate("ab")]
QUERIES = [("query", (f"q{seed}.png", drawing(seed))) for seed in (3, 4)]
LABELS = {"labels": ["a", "b"]}


class FailedRow(BaseModel):
    """A job's row for an image that cannot be read."""

    filename: str
    error: str


@pytest.fixture(scope="module")
def task(client: TestClient) -> str:
    return str(client.post("/v1/tasks", files=SUPPORT, data=LABELS).json()["id"])


@pytest.fixture(scope="module")
def job(client: TestClient, task: str) -> str:
    files = [*QUERIES, ("query", ("bad.png", b"no image"))]
    made = client.post(f"/v1/tasks/{task}/jobs", files=files)
    assert made.status_code == 202
    hold(answers.JobAnswer, made.json())
    assert ended(client, made.json()["id"])["status"] == "done"
    return str(made.json()["id"])


def hold(model: type[BaseModel], answer: Any) -> None:
    """Hold an answer to its description, strictly: no text for a number, and no member beside the described."""
    model.model_validate(answer, strict=True, extra="forbid")


def test_both_classify_routes(client: TestClient, task: str) -> None:
    once = client.post("/v1/classify", files=[*SUPPORT, *QUERIES], data=LABELS).json()
    kept = client.post(f"/v1/tasks/{task}/classify", files=QUERIES).json()
    for answer in (once, kept):
        hold(answers.PredictionsAnswer, answer)
        assert [one["filename"] for one in answer["predictions"]] == ["q3.png", "q4.png"]
    assert all("id" in near for one in kept["predictions"] for near in one["nearest"])


def test_each_row_of_a_job(client: TestClient, job: str) -> None:
    rows = [json.loads(line) for line in client.get(f"/v1/jobs/{job}/results").text.splitlines()]
    for row in rows:
        hold(FailedRow if "error" in row else answers.PredictionAnswer, row)
    assert ["error" in row for row in rows] == [False, False, True]


def test_all_others(client: TestClient, task: str, job: str) -> None:
    image = base64.b64encode(drawing(5)).decode()
    hold(answers.WholeTaskAnswer, client.post("/v1/tasks", files=SUPPORT, data=LABELS).json())
    hold(answers.WholeTaskAnswer, client.get(f"/v1/tasks/{task}").json())
    hold(answers.WholeTaskAnswer, client.post(f"/v1/tasks/{task}/keep", json={"name": "letters"}).json())
    more = {"support": [{"label": "c", "image": image}]}
    hold(answers.WholeTaskAnswer, client.post(f"/v1/tasks/{task}/examples", json=more).json())
    example = client.get(f"/v1/tasks/{task}").json()["examples"][-1]["id"]
    hold(answers.WholeTaskAnswer, client.delete(f"/v1/tasks/{task}/examples/{example}").json())
    for path, model in (("tasks", answers.TaskListAnswer), ("jobs", answers.JobListAnswer)):
        listed = client.get(f"/v1/{path}").json()
        hold(model, listed)
        assert listed["items"]
    hold(answers.JobAnswer, client.get(f"/v1/jobs/{job}").json())
    models = client.get("/v1/models").json()
    hold(answers.ModelListAnswer, models)
    assert models["items"]
    hold(answers.ProblemAnswer, client.get("/v1/tasks/nothing").json())
    bad = client.post("/v1/tasks", files=[("support", ("x.png", b""))] * 2, data=LABELS)
    hold(answers.ProblemAnswer, bad.json())


def test_a_member_too_many_would_be_found() -> None:
    class Part(BaseModel):
        known: int

    class Whole(BaseModel):
        parts: list[Part]

    hold(Whole, {"parts": [{"known": 1}]})
    with pytest.raises(ValueError, match="unknown"):
        hold(Whole, {"parts": [{"known": 1, "unknown": 2}]})
