"""An image that gets the service killed, as where memory runs out, costs its job that image alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from service.background.jobs import Jobs
from service.background.killed_scoring import MOST, drop_note, killed_at, note
from service.results import Row
from service.store.job_store import Job, JobStore
from tests.service.made_images import drawing, encoded, zipped
from tests.service.tiny_service import TINY, ended, save_tiny, serving

# Each service is a process of its own, which an image 33 pixels wide kills; then another one starts.
SERVICES = """
import os, signal, sys, time
from pathlib import Path
from starlette.testclient import TestClient
from service import registry
from service.app import create_app
from service.settings import Settings
from service.uploads import images

registry.shipped, registry.published = dict, list
data_dir, given, decode = Path(sys.argv[1]), Path(sys.argv[2]), images.decode_bytes

def fatal(content, max_pixels):
    image = decode(content, max_pixels)
    if image.width == 33:
        os.kill(os.getpid(), signal.SIGKILL)
    return image

def serve():
    with TestClient(create_app(Settings(data_dir=data_dir, job_batch=8))) as client:
        if not client.get("/v1/jobs").json()["items"]:
            images.decode_bytes = decode
            support = [("support", (name, (given / name).read_bytes())) for name in ("1.png", "2.png")]
            task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
            images.decode_bytes = fatal
            client.post(f"/v1/tasks/{task}/jobs", files={"archive": (given / "i.zip").open("rb")})
        while True:
            (job,) = client.get("/v1/jobs").json()["items"]
            if job["status"] not in ("queued", "running"):
                (given / "rows.jsonl").write_text(client.get(f"/v1/jobs/{job['id']}/results").text)
                return
            time.sleep(0.02)

images.decode_bytes = fatal
killed = 0
while not (given / "rows.jsonl").exists():
    if (process := os.fork()) == 0:
        serve()
        os._exit(0)
    killed += os.waitpid(process, 0)[1] == signal.SIGKILL
print(killed)
"""


@pytest.mark.long
def test_it_gets_a_row_and_the_others_get_answers(tmp_path: Path) -> None:
    large = encoded(Image.new("L", (33, 33)))
    files = {f"{place:02}.png": large if place == 15 else drawing(place) for place in range(20)}
    given = tmp_path / "given"
    given.mkdir()
    for name, content in (("1.png", drawing(1)), ("2.png", drawing(2)), ("i.zip", zipped(files))):
        (given / name).write_bytes(content)
    save_tiny(tmp_path / "var" / "initializations" / TINY)
    command = [sys.executable, "-c", SERVICES, str(tmp_path / "var"), str(given)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [json.loads(line) for line in (given / "rows.jsonl").read_text().splitlines()]
    assert [row["filename"] for row in rows] == list(files)
    errors = {row["filename"]: row["error"] for row in rows if "error" in row}
    assert list(errors) == ["15.png"]
    assert errors["15.png"].startswith("15.png ended the service 3 times")
    assert int(done.stdout) == MOST


@pytest.mark.parametrize(("killed", "errors"), [(0, 0), (1, 0), (MOST - 1, 0), (MOST, 1)])
def test_where_a_process_was_killed_images_are_scored_and_committed_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: int, errors: int
) -> None:
    commit, score, committed, notes = JobStore.commit_batch, Jobs._score, list[int](), list[int]()

    def begun(self: Jobs, job: Job) -> None:
        if killed:
            note(self.folder(job.id), 0, killed)
        monkeypatch.setattr(Jobs, "_score", score)
        score(self, job)

    def noted(self: JobStore, number: int, done: int, rows: list[Row]) -> bool:
        committed.append(len(rows))
        notes.append(killed_at(tmp_path / "jobs" / self.page(1, None).items[0].id, done))
        return commit(self, number, done, rows)

    monkeypatch.setattr(Jobs, "_score", begun)
    monkeypatch.setattr(JobStore, "commit_batch", noted)
    with serving(tmp_path, job_batch=4) as client:
        support = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
        task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
        images = {"archive": ("i.zip", zipped({f"{seed}.png": drawing(seed) for seed in range(10)}))}
        state = ended(client, client.post(f"/v1/tasks/{task}/jobs", files=images).json()["id"])
    assert (state["status"], state["done"], state["errors"]) == ("done", 10, errors)
    assert committed == ([1, 1, 1, 1, 4, 2] if killed else [4, 4, 2])
    assert notes == ([killed + 1, 2, 2, 2, 1, 1] if killed else [1, 1, 1]), "if one is killed at it"
    assert not (tmp_path / "jobs" / state["id"] / "begun").exists()


def test_a_note_counts_where_it_was_made(tmp_path: Path) -> None:
    assert killed_at(tmp_path, 0) == 0
    note(tmp_path, 7, 2)
    assert (killed_at(tmp_path, 7), killed_at(tmp_path, 8)) == (2, 0)
    (tmp_path / "begun").write_text("7")
    assert killed_at(tmp_path, 7) == 0
    drop_note(tmp_path)
    drop_note(tmp_path)
    assert list(tmp_path.iterdir()) == []
