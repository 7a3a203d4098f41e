"""What ``score`` does not put in the place of an earlier output, and what it says."""

import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.__main__ import main
from service.client import Client
from service.commands import score
from tests.service.made_images import drawing, zipped

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def asked(address: str, tmp_path: Path) -> list[str]:
    """The command that scores into a file, but for its input; the file has been there before."""
    (tmp_path / "good.png").write_bytes(drawing(1))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "o.jsonl").write_text("before")
    with Client(address) as client:
        task = client.create_task([(label, tmp_path / "good.png") for label in "ab"])["id"]
    return ["score", f"--task={task}", f"--server={address}", f"--output={tmp_path / 'out' / 'o.jsonl'}"]


def test_errors_alone_take_no_ones_place(asked: list[str], tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "bad.png").write_text("no image")
    (tmp_path / "cut.zip").write_bytes(zipped({"1.png": drawing(1)})[:-30])
    (tmp_path / "bad.zip").write_bytes(zipped({"1.png": b"no image", "2.png": b"neither"}))
    for name, told in (
        ("notes.txt", "notes.txt is no image by its name's end"),
        ("cut.zip", "cut.zip is no readable zip archive; pack it again\n"),
        ("bad.png", "bad.png is not a PNG, JPEG, WebP or BMP image\n"),
        ("bad.zip", "1.png is not a PNG, JPEG, WebP or BMP image (and 1 more could not be read, either)\n"),
    ):
        assert main([*asked, f"--input={tmp_path / name}"]) == 2
        caught = capsys.readouterr()
        assert told in caught.err
        assert "the same command goes on" not in caught.err
        assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["before"]


def test_one_answer_is_enough(asked: list[str], tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "both.zip").write_bytes(zipped({"1.png": b"no image", "2.png": drawing(2)}))
    assert main([*asked, f"--input={tmp_path / 'both.zip'}"]) == 0
    assert "2 images scored, 1 of them unreadable" in capsys.readouterr().out
    assert len((tmp_path / "out" / "o.jsonl").read_text().splitlines()) == 2


def test_what_is_no_terminal_gets_no_progress(asked: list[str], tmp_path: Path, capsys: Capture) -> None:
    assert main([*asked, f"--input={tmp_path / 'good.png'}"]) == 0
    caught = capsys.readouterr()
    assert caught.out.startswith("1 image scored, 0 of them unreadable: ")
    assert caught.err == ""


def test_a_wait_for_other_jobs_is_told(asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    follow, terminal = Client.follow_job, Terminal()

    def waiting(self: Client, job_id: str) -> Iterator[dict[str, Any]]:
        yield {"status": "queued", "done": 0, "total": 1}
        terminal.write("[begun]")
        yield from follow(self, job_id)

    monkeypatch.setattr(Client, "follow_job", waiting)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(score, "_LONG_S", 0.0)
    assert main([*asked, f"--input={tmp_path / 'good.png'}"]) == 0
    before, _, after = terminal.getvalue().partition("[begun]")
    assert "waiting for other jobs" in before
    assert "waiting" not in after.rpartition("\r")[2]


@pytest.mark.parametrize("step", ["start_job", "follow_job", "save_results"])
def test_a_folder_of_the_output_that_is_removed_is_told(
    asked: list[str], address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, step: str
) -> None:
    intact = getattr(Client, step)

    def removing(*given: Any, **named: Any) -> Any:
        shutil.rmtree(tmp_path / "out")
        return intact(*given, **named)

    monkeypatch.setattr(Client, step, removing)
    assert main([*asked, f"--input={tmp_path / 'good.png'}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert ".o.jsonl.parts, which held the answers so far, is gone; put it back" in line
    with Client(address) as client:
        assert client.connection.ask("GET", "/v1/jobs").json()["items"] == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
