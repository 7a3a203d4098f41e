"""A job outlives SIGKILL: every image is scored once, none is lost, and the answers are an unbroken run's."""

import json
import time
from pathlib import Path
from typing import Any


from tests.service.made_images import drawing, zipped
from tests.service.server_process import kill, server
from tests.service.tiny_service import TINY, save_tiny

IMAGES = 300
DAMAGED = range(0, IMAGES, 7)
NAMES = [f"sheets/{number:03}.png" for number in range(IMAGES)]
SUPPORT = [("ä", 1), ("ä", 2), ("=b", 3), ("=b", 4), ("c", 5)]


def create_task(http: httpx.Client) -> str:
    files = [("support", (f"{seed}.png", drawing(seed, 90))) for _, seed in SUPPORT]
    answer = http.post("/v1/tasks", files=files, data={"labels": [label for label, _ in SUPPORT]})
    return str(answer.raise_for_status().json()["id"])


def start_job(http: httpx.Client, task: str, archive: bytes) -> str:
    answer = http.post(f"/v1/tasks/{task}/jobs", files={"archive": ("images.zip", archive)})
    assert answer.status_code == 202
    return str(answer.json()["id"])


def finished(http: httpx.Client, job: str) -> dict[str, Any]:
    while (state := http.get(f"/v1/jobs/{job}").json())["status"] in ("queued", "running"):
        time.sleep(0.05)
    return dict(state)


def results(client: Client, job_id: str, path: Path) -> list[dict[str, Any]]:
    client.save_results(job_id, path, "jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def asked_directly(client: Client, task: str, names: list[str], folder: Path) -> list[dict[str, Any]]:
    """What the task itself answers about some of the job's images."""
    files = []
    for number in range(1, IMAGES, 50):
        files.append(folder / names[number].replace("/", "-"))
        files[-1].write_bytes(drawing(number, 90))
    return client.classify(task, files)


def test_killed_in_the_middle_of_a_job(tmp_path: Path) -> None:
    data_dir = tmp_path / "var"
    save_tiny(data_dir / "initializations" / TINY)
    names = write_archive(tmp_path / "images.zip")

    with server(data_dir, job_batch=2) as (address, process), Client(address) as client:
        task = client.create_task(write_support(tmp_path), name="drawings")["id"]
        job = client.start_job(task, tmp_path / "images.zip")["id"]
        while not (state := client.job(job))["done"]:
            assert state["status"] in ("queued", "running")
        kill(process)
    assert 0 < state["done"] < state["total"] == IMAGES

    with server(data_dir, job_batch=50) as (address, _), Client(address) as client:
        assert client.task(task)["name"] == "drawings"
        *_, state = client.follow_job(job)
        resumed = results(client, job, tmp_path / "resumed.jsonl")
        direct = asked_directly(client, task, names, tmp_path)

    assert (state["status"], state["done"]) == ("done", IMAGES)
    assert [row["filename"] for row in resumed] == names
    assert [number for number, row in enumerate(resumed) if "error" in row] == list(range(0, IMAGES, DAMAGED))
    assert state["errors"] == len(range(0, IMAGES, DAMAGED))
    scored = [row | {"filename": row["filename"].replace("/", "-")} for row in resumed[1:IMAGES:50]]
    assert [row for row in scored if "error" not in row] == [
        answer for row, answer in zip(scored, direct, strict=True) if "error" not in row
    ]
