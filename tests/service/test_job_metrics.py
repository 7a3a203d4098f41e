"""What the metrics tell of jobs."""

import re
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from service.uploads import images
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
        files = {"4.png": drawing(4), "bad.png": b"no image", "5.png": drawing(5)}
        job = client.post(f"/v1/tasks/{task}/jobs", files={"archive": ("i.zip", zipped(files))}).json()["id"]
        assert ended(client, job)["status"] == "done"
        assert told(client, "metashot_queries_total") == {"tiny": 3}


def test_images_count_once_if_memory_runs_out_for_one_of_their_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And those before it are read once."""
    read, decode = list[int](), images.decode_bytes

    def short(content: bytes, max_pixels: int) -> Image.Image:
        image = decode(content, max_pixels)
        read.append(image.width)
        if image.width == 33 and read.count(33) < 3:
            raise MemoryError
        return image

    monkeypatch.setattr("service.background.batch_scoring._IN_TURN", 2)
    monkeypatch.setattr("service.background.jobs._LOOK_S", 0.02)
    with serving(tmp_path, compute_threads=1) as client:
        task = client.post("/v1/tasks", files=SUPPORT, data={"labels": ["a", "b"]}).json()["id"]
        monkeypatch.setattr(images, "decode_bytes", short)
        files = {f"{seed}.png": drawing(seed, side=33 if seed == 4 else 28) for seed in range(7)}
        job = client.post(f"/v1/tasks/{task}/jobs", files={"archive": ("i.zip", zipped(files))}).json()["id"]
        assert ended(client, job)["status"] == "done"
        assert told(client, "metashot_queries_total") == {"tiny": 7}
    assert read[:5] == [28, 28, 28, 28, 33]
    assert len(read) == 7 + 2


def test_while_the_store_is_out_of_reach_the_other_metrics_are_told(tmp_path: Path) -> None:
    data_dir = tmp_path / "var"
    with serving(data_dir) as client:
        data_dir.rename(tmp_path / "elsewhere")
        assert client.get("/v1/jobs").status_code == 503
        answer = client.get("/metrics")
        assert answer.status_code == 200
        assert 'metashot_requests_total{method="GET",route="/v1/jobs",status="503"} 1.0' in answer.text
        assert "metashot_queue_depth 0.0" in answer.text
        assert told(client, "metashot_jobs") == {}


def test_a_status_without_jobs_is_told_as_none(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        none = {"queued": 0, "running": 0, "done": 0, "failed": 0, "cancelled": 0}
        assert told(client, "metashot_jobs") == none
