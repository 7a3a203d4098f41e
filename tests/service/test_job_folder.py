"""A job whose folder is gone ends, and holds up no other."""

import shutil
import threading
import time
from pathlib import Path

import pytest

from service.jobs import Jobs
from tests.service.made_images import drawing, zipped
from tests.service.tiny_service import serving


def test_a_lost_folder_fails_its_job_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_begin = threading.Event()
    score = Jobs._score
    monkeypatch.setattr(Jobs, "_score", lambda jobs, job: (may_begin.wait(), score(jobs, job)))
    with serving(tmp_path) as client:
        support = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
        task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
        archive = {"archive": ("i.zip", zipped({"1.png": drawing(3)}))}
        lost, sound = (client.post(f"/v1/tasks/{task}/jobs", files=archive).json()["id"] for _ in range(2))
        shutil.rmtree(tmp_path / "jobs" / lost)
        may_begin.set()
        while (state := client.get(f"/v1/jobs/{sound}").json())["status"] in ("queued", "running"):
            time.sleep(0.02)
        assert state["status"] == "done"
        state = client.get(f"/v1/jobs/{lost}").json()
        assert state["status"] == "failed"
        assert "No such file" in state["error"]
        for kind in ("jsonl", "csv", "parquet"):
            assert client.get(f"/v1/jobs/{lost}/results", params={"format": kind}).status_code == 200
