"""A job outlives SIGKILL: every image is scored once, none is lost, and the answers are the task's own."""

import json
from pathlib import Path

import httpx

from tests.service.made_images import drawing, zipped
from tests.service.server_process import kill, server
from tests.service.tiny_service import TINY, ended, progressed, save_tiny

IMAGES = 120
DAMAGED = range(0, IMAGES, 7)
NAMES = [f"{number:03}.png" for number in range(IMAGES)]
SUPPORT = [("ä", 1), ("ä", 2), ("=b", 3), ("=b", 4), ("c", 5)]


def create_task(http: httpx.Client) -> str:
    files = [("support", (f"{seed}.png", drawing(seed, 90))) for _, seed in SUPPORT]
    data = {"labels": [label for label, _ in SUPPORT], "model": TINY}
    answer = http.post("/v1/tasks", files=files, data=data)
    assert answer.status_code == 201
    return str(answer.json()["id"])


def start_job(http: httpx.Client, task: str) -> str:
    images = {name: b"no" if k in DAMAGED else drawing(k, 90) for k, name in enumerate(NAMES)}
    answer = http.post(f"/v1/tasks/{task}/jobs", files={"archive": ("images.zip", zipped(images))})
    assert answer.status_code == 202
    return str(answer.json()["id"])


def test_killed_in_the_middle_of_a_job(tmp_path: Path) -> None:
    data_dir = tmp_path / "var"
    save_tiny(data_dir / "initializations" / TINY)

    with server(data_dir, job_batch=2) as (address, process), httpx.Client(base_url=address) as http:
        task = create_task(http)
        job = start_job(http, task)
        state = progressed(http, job, 1)
        kill(process)
    assert 0 < state["done"] < state["total"] == IMAGES

    with server(data_dir, job_batch=50) as (address, _), httpx.Client(base_url=address, timeout=60) as http:
        state = ended(http, job)
        rows = [json.loads(line) for line in http.get(f"/v1/jobs/{job}/results").text.splitlines()]
        asked = [k for k in range(IMAGES) if k not in DAMAGED][::8]
        files = [("query", (NAMES[k], drawing(k, 90))) for k in asked]
        direct = http.post(f"/v1/tasks/{task}/classify", files=files).json()["predictions"]

    assert (state["status"], state["done"], state["errors"]) == ("done", IMAGES, len(DAMAGED))
    assert [row["filename"] for row in rows] == NAMES
    assert [k for k, row in enumerate(rows) if "error" in row] == list(DAMAGED)
    assert [rows[k] for k in asked] == direct
