"""Memory that runs out is no fault of an image: whoever asks is told to try again, and a job does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageOps
from starlette.testclient import TestClient

from models.images import image_decoding
from models.images.preprocessing import Preprocessing
from service.__main__ import main
from service.background import jobs
from service.computing import adaptations, pinned
from service.computing.classifier import Classifier
from tests.service.made_images import drawing, zipped
from tests.service.tiny_service import TINY, ended, save_tiny, serving

SUPPORT = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
LABELS = {"labels": ["a", "b"]}


def of_python() -> None:
    raise MemoryError


def of_torch() -> None:
    torch.empty(2**50)


Case = tuple[Any, str, Callable[[], None]]  # whose step fails, and how
OF_DECODING: list[Case] = [
    (Image, "open", of_python),
    (image_decoding, "_plain", of_python),
    (ImageOps, "exif_transpose", of_python),
]
OF_ANSWERS: list[Case] = [(Classifier, "answers", of_torch)]
OF_FITS: list[Case] = [(adaptations, step, of_torch) for step in ("embed", "fit_together")]
OF_JOBS: list[Case] = [
    (owner, step, fail)
    for owner, step in ((Preprocessing, "__call__"), (pinned.safetensors.torch, "load"))
    for fail in (of_python, of_torch)
]


def run_out(monkeypatch: pytest.MonkeyPatch, owner: Any, step: str, times: int, fail: Callable[[], None]) -> None:
    """Let a step fail for want of memory, some times."""
    intact, failures = getattr(owner, step), iter([fail] * times)

    def short(*given: Any, **named: Any) -> Any:
        for failure in failures:
            failure()
        return intact(*given, **named)

    monkeypatch.setattr(owner, step, short)


def classify(client: TestClient) -> Any:
    return client.post("/v1/classify", files=[*SUPPORT, ("query", ("q.png", drawing(3)))], data=LABELS)


@pytest.mark.parametrize(
    ("owner", "step", "fail"),
    [*OF_DECODING, (Preprocessing, "many", of_python), (Preprocessing, "many", of_torch), *OF_ANSWERS, *OF_FITS],
)
def test_callers_are_told_to_come_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: Any,
    step: str,
    fail: Callable[[], None],
) -> None:
    with serving(tmp_path) as client:
        run_out(monkeypatch, owner, step, times=1, fail=fail)
        with caplog.at_level("WARNING", logger="metashot"):
            answer = classify(client)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "memory" in answer.json()["detail"]
        assert classify(client).status_code == 200
    (told,) = [record for record in caplog.records if record.name == "metashot"]
    assert told.message == "not enough memory for POST /v1/classify"
    assert not told.exc_info


@pytest.mark.parametrize(("owner", "step", "fail"), [*OF_DECODING, *OF_ANSWERS, *OF_JOBS])
def test_a_job_waits_and_gives_no_row_an_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    step: str,
    fail: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(jobs, "_LOOK_S", 0.02)
    with serving(tmp_path) as client:
        task = client.post("/v1/tasks", files=SUPPORT, data=LABELS).json()["id"]
        run_out(monkeypatch, owner, step, times=2, fail=fail)
        images = {"archive": ("i.zip", zipped({"1.png": drawing(3)}))}
        job = client.post(f"/v1/tasks/{task}/jobs", files=images).json()["id"]
        state = ended(client, job)
    assert (state["status"], state["done"], state["errors"]) == ("done", 1, 0)
    assert "fitted again" not in caplog.text


@pytest.mark.parametrize("fail", [of_python, of_torch])
@pytest.mark.parametrize(("step", "names_image"), [("__call__", True), ("many", False)])
def test_a_command_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    step: str,
    names_image: bool,
    fail: Callable[[], None],
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    save_tiny(tmp_path / "var" / "initializations" / TINY)
    for label in "ab":
        (tmp_path / "in" / label).mkdir(parents=True)
        (tmp_path / "in" / label / "1.png").write_bytes(drawing(ord(label)))
    run_out(monkeypatch, Preprocessing, step, times=1, fail=fail)
    command = ["classify", f"--support={tmp_path / 'in'}", f"--query={tmp_path / 'in' / 'a'}"]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    image = tmp_path / "in" / "a" / "1.png"
    at, remedy = (f" at {image}", ", or make that image smaller,") if names_image else ("", ",")
    assert line == f"error: memory has run out{at}; free some{remedy} then give the same command again"
