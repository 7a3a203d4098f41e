"""What the metrics tell of jobs."""

import re
from pathlib import Path

from starlette.testclient import TestClient

from tests.service.made_images import drawing, zipped
from tests.service.tiny_service import ended, serving

SUPPORT = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]


def told(client: TestClient, name: str) -> dict[str, float]:
    """The values of a metric, by its label's value."""
    found = re.findall(rf'^{name}{{\w+="(\w+)"}} (.*)$', client.get("/metrics").text, re.MULTILINE)
    return {label: float(value) for label, value in found}


def test_images_of_jobs_count_as_classified_where_they_have_an_answer(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        task = client.post("/v1/tasks", files=SUPPORT, data={"labels": ["a", "b"]}).json()["id"]
        client.post(f"/v1/tasks/{task}/classify", files={"query": ("3.png", drawing(3))})
        images = {"4.png": drawing(4), "bad.png": b"no image", "5.png": drawing(5)}
        job = client.post(f"/v1/tasks/{task}/jobs", files={"archive": ("i.zip", zipped(images))}).json()["id"]
        assert ended(client, job)["status"] == "done"
        assert told(client, "metashot_queries_total") == {"tiny": 3}


def test_a_status_without_jobs_is_told_as_none(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        none = {"queued": 0, "running": 0, "done": 0, "failed": 0, "cancelled": 0}
        assert told(client, "metashot_jobs") == none
