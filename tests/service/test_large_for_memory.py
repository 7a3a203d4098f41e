"""An image that alone needs more memory than there is costs its job that image, and no other one an answer."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from models.images.image_decoding import pixels_of
from models.images.preprocessing import Preprocessing
from service.background import batch_scoring, job_failures, jobs
from service.computing.classifier import Classifier
from service.computing.memory_errors import ImageMemoryError
from service.uploads import images
from tests.service.made_images import drawing, encoded, zipped
from tests.service.test_out_of_memory import of_python, of_torch
from tests.service.tiny_service import TINY, ended, progressed, save_tiny, serving

LARGE = drawing(7, side=33)
ERROR = "needs more memory than there is; make it smaller, or give the service more memory, and send it again"


def start(client: TestClient, files: dict[str, bytes]) -> str:
    support = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
    task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]
    answer = client.post(f"/v1/tasks/{task}/jobs", files={"archive": ("i.zip", zipped(files))})
    return str(answer.json()["id"])


def rows(client: TestClient, job: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.get(f"/v1/jobs/{job}/results").text.splitlines()]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job is held up for long."""
    monkeypatch.setattr(jobs, "_LOOK_S", 0.02)
    monkeypatch.setattr(job_failures, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(job_failures, "_NEXT_S", 0.05)


def lacking(
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    step: str,
    width_of: Callable[[Any], int],
    fail: Callable[[], None],
) -> threading.Event:
    """Let a step fail for images 33 pixels wide, until the event is set."""
    passed, intact = threading.Event(), getattr(owner, step)

    def short(*given: Any, **named: Any) -> Any:
        found = intact(*given, **named)
        if width_of((given, found)) == 33 and not passed.is_set():
            fail()
        return found

    monkeypatch.setattr(owner, step, short)
    return passed


STEPS: list[tuple[Any, str, Callable[[Any], int]]] = [
    (images, "decode_bytes", lambda of: int(of[1].width)),
    (Preprocessing, "__call__", lambda of: int(of[0][1].width)),
]


@pytest.mark.parametrize("fail", [of_python, of_torch])
@pytest.mark.parametrize(("owner", "step", "width_of"), STEPS)
def test_it_gets_a_row_after_the_wait_and_the_others_get_answers(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    impatient: None,
    owner: Any,
    step: str,
    width_of: Callable[[Any], int],
    fail: Callable[[], None],
) -> None:
    files = {f"{seed:02}.png": LARGE if seed in (0, 5, 20, 29) else drawing(seed) for seed in range(30)}
    lacking(monkeypatch, owner, step, width_of, fail)
    with serving(tmp_path) as client:
        job = start(client, files)
        state = ended(client, job)
        found = rows(client, job)
    assert (state["status"], state["done"], state["errors"]) == ("done", 30, 4)
    assert [row["filename"] for row in found] == list(files)
    assert {row["filename"]: row["error"] for row in found if "error" in row} == {
        name: f"{name} {ERROR}" for name in ("00.png", "05.png", "20.png", "29.png")
    }


def test_a_want_that_passes_is_waited_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_LOOK_S", 0.02)
    passed = lacking(monkeypatch, *STEPS[0], of_python)
    with serving(tmp_path) as client:
        job = start(client, {"1.png": drawing(1), "large.png": LARGE, "2.png": drawing(2)})
        assert progressed(client, job, 1)["status"] == "running", "the one before it need not wait"
        time.sleep(0.2)
        assert client.get(f"/v1/jobs/{job}").json()["done"] == 1
        passed.set()
        state = ended(client, job)
    assert (state["status"], state["errors"]) == ("done", 0)


def test_images_that_memory_suffices_for_one_by_one_do_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alone, refused, decode = threading.Lock(), threading.Event(), images.decode_bytes

    def decoded(content: bytes, max_pixels: int) -> Image.Image:
        if pixels_of(content) != 33 * 33:
            return decode(content, max_pixels)  # of the task
        if not alone.acquire(blocking=False):
            refused.set()
            raise MemoryError
        try:
            refused.wait(30)
            time.sleep(0.01)  # a thread that still decoded of the batch that failed would meet the next one
            return decode(content, max_pixels)
        finally:
            alone.release()

    monkeypatch.setattr(batch_scoring, "_IN_TURN", 2)
    monkeypatch.setattr(images, "decode_bytes", decoded)
    with serving(tmp_path, compute_threads=2) as client, caplog.at_level("WARNING", logger="metashot"):
        state = ended(client, start(client, {f"{seed}.png": drawing(seed, side=33) for seed in range(8)}))
    assert refused.is_set()
    assert (state["status"], state["done"], state["errors"]) == ("done", 8, 0)
    assert "have to wait" not in caplog.text


def test_a_want_that_is_not_an_images_own_fails_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    monkeypatch.setattr(Classifier, "answers", lambda *_: of_python())
    with serving(tmp_path) as client:
        state = ended(client, start(client, {"1.png": drawing(1), "2.png": drawing(2)}))
    assert (state["status"], state["done"]) == ("failed", 0)
    assert "no memory" in state["error"]


def test_after_a_wait_in_vain_the_next_ones_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(job_failures, "time", SimpleNamespace(monotonic=lambda: clock.now))
    patience = job_failures.Patience()

    def lasts(at: float, done: int, error: Exception) -> bool:
        clock.now = at
        return patience.lasts(SimpleNamespace(number=1, done=done), error)

    large = ImageMemoryError("large.png")
    assert [lasts(at, 0, large) for at in (0, 599, 600)] == [True, True, False]
    assert [lasts(at, 1, large) for at in (601, 660, 661)] == [True, True, False]
    assert [lasts(at, 2, MemoryError()) for at in (700, 1299, 1300)] == [True, True, False]
    assert [lasts(at, 3, large) for at in (1301, 1361, 1901)] == [True, True, False], "not so soon after it"


LIMITED = """
import resource, sys, time
from pathlib import Path
from starlette.testclient import TestClient
from service import registry
from service.app import create_app
from service.background import job_failures, jobs
from service.settings import Settings

registry.shipped, registry.published = dict, list
jobs._LOOK_S, job_failures._PATIENCE_S = 0.05, 0.5
small, large = (Path(name).read_bytes() for name in sys.argv[2:])
with TestClient(create_app(Settings(data_dir=Path(sys.argv[1])))) as client:
    support = [("support", ("1.png", small)), ("support", ("2.png", small))]
    task = client.post("/v1/tasks", files=support, data={"labels": ["a", "b"]}).json()["id"]

    def scored(**images):
        queries = [("query", one) for one in images.items()]
        job = client.post(f"/v1/tasks/{task}/jobs", files=queries).json()["id"]
        while client.get(f"/v1/jobs/{job}").json()["status"] not in ("done", "failed"):
            time.sleep(0.05)
        return client.get(f"/v1/jobs/{job}/results").text

    scored(a=small)  # all threads have begun by then
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 100 * 1024**2, -1))
    print(scored(a=small, large=large, b=small))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no /proc/self/statm")
def test_within_a_limit_of_the_system(tmp_path: Path) -> None:
    save_tiny(tmp_path / "initializations" / TINY)
    large = Image.new("RGB", (6000, 6000), (200, 10, 10))  # which takes 144 MB in memory
    for name, content in (("small", drawing(1)), ("large", encoded(large, compress_level=1))):
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-c", LIMITED, *(str(tmp_path / name) for name in ("", "small", "large"))]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.strip().splitlines()]
    assert [row.get("error") for row in found] == [None, f"large {ERROR}", None]
