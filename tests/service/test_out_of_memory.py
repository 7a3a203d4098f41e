"""Memory that runs out is no fault of an image: whoever asks is told to try again, and a job does."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps
from starlette.testclient import TestClient

from models.images import image_decoding
from models.images.preprocessing import Preprocessing
from service.__main__ import main
from service.background import jobs
from tests.service.made_images import drawing, zipped
from tests.service.tiny_service import TINY, ended, save_tiny, serving

SUPPORT = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
LABELS = {"labels": ["a", "b"]}
STEPS: list[tuple[Any, str]] = [
    (Image, "open"),
    (image_decoding, "_plain"),
    (ImageOps, "exif_transpose"),
    (Preprocessing, "many"),
]


def run_out(monkeypatch: pytest.MonkeyPatch, owner: Any, step: str, times: int) -> None:
    """Let a step fail for want of memory, some times."""
    intact, failures = getattr(owner, step), iter([MemoryError()] * times)

    def short(*given: Any, **named: Any) -> Any:
        for failure in failures:
            raise failure
        return intact(*given, **named)

    monkeypatch.setattr(owner, step, short)


def classify(client: TestClient) -> Any:
    return client.post("/v1/classify", files=[*SUPPORT, ("query", ("q.png", drawing(3)))], data=LABELS)


@pytest.mark.parametrize(("owner", "step"), STEPS)
def test_callers_are_told_to_come_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: Any,
    step: str,
) -> None:
    with serving(tmp_path) as client:
        run_out(monkeypatch, owner, step, times=1)
        with caplog.at_level("WARNING", logger="metashot"):
            answer = classify(client)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "memory" in answer.json()["detail"]
        assert classify(client).status_code == 200
    (told,) = [record for record in caplog.records if record.name == "metashot"]
    assert told.message == "not enough memory for POST /v1/classify"
    assert not told.exc_info


@pytest.mark.parametrize(("owner", "step"), [*STEPS[:3], (Preprocessing, "__call__")])
def test_a_job_waits_and_gives_no_row_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, step: str
) -> None:
    monkeypatch.setattr(jobs, "_LOOK_S", 0.02)
    with serving(tmp_path) as client:
        task = client.post("/v1/tasks", files=SUPPORT, data=LABELS).json()["id"]
        run_out(monkeypatch, owner, step, times=2)
        images = {"archive": ("i.zip", zipped({"1.png": drawing(3)}))}
        job = client.post(f"/v1/tasks/{task}/jobs", files=images).json()["id"]
        state = ended(client, job)
    assert (state["status"], state["done"], state["errors"]) == ("done", 1, 0)


def test_a_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    save_tiny(tmp_path / "var" / "initializations" / TINY)
    for label in "ab":
        (tmp_path / "in" / label).mkdir(parents=True)
        (tmp_path / "in" / label / "1.png").write_bytes(drawing(ord(label)))
    run_out(monkeypatch, Preprocessing, "__call__", times=1)
    command = ["classify", f"--support={tmp_path / 'in'}", f"--query={tmp_path / 'in' / 'a'}"]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "error: memory has run out; free some, then give the same command again"
