"""``python -m service classify``: what it says of images that cannot be read, and where it writes."""

import json
import os
from pathlib import Path

import pytest

from service.__main__ import main
from service.commands import without_server
from tests.service.made_images import drawing
from tests.service.tiny_service import TINY, save_tiny

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command, but for its queries."""
    save_tiny(tmp_path / "initializations" / TINY)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for seed, label in enumerate("ab"):
        (tmp_path / "support" / label).mkdir(parents=True)
        (tmp_path / "support" / label / "1.png").write_bytes(drawing(seed))
    return ["classify", f"--support={tmp_path / 'support'}", f"--model={TINY}"]


def queries(tmp_path: Path, *contents: bytes) -> Path:
    folder = tmp_path / "query"
    folder.mkdir()
    for number, content in enumerate(contents):
        (folder / f"{number}.png").write_bytes(content)
    return folder


def test_an_image_that_cannot_be_read_stops_no_other(asked: list[str], tmp_path: Path, capsys: Capture) -> None:
    folder = queries(tmp_path, drawing(4), b"no image", drawing(5))
    assert main([*asked, f"--query={folder}", f"--json={tmp_path / 'o.json'}"]) == 0
    good, bad, other = json.loads((tmp_path / "o.json").read_text())["predictions"]
    why = "is not a PNG, JPEG, WebP or BMP image"
    assert bad == {"filename": str(folder / "1.png"), "error": f"{folder / '1.png'} {why}"}
    caught = capsys.readouterr()
    table = caught.out.splitlines()
    assert table[2] == f"{folder / '1.png'}  {why}"
    assert "1 of 3 images could not be read" in caught.err
    (folder / "1.png").unlink()
    assert main([*asked, f"--query={folder}", f"--json={tmp_path / 'o.json'}"]) == 0
    assert json.loads((tmp_path / "o.json").read_text())["predictions"] == [good, other]


def test_nor_does_one_whose_fault_nobody_foresaw(
    asked: list[str], tmp_path: Path, unforeseen: None, capsys: Capture
) -> None:
    folder = queries(tmp_path, drawing(4), drawing(5, side=33))
    assert main([*asked, f"--query={folder}"]) == 0
    assert "could not be prepared (LinAlgError: SVD did not converge)" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_file_that_is_closed_stops_no_other(asked: list[str], tmp_path: Path, capsys: Capture) -> None:
    folder = queries(tmp_path, drawing(4), drawing(5))
    (folder / "0.png").chmod(0)
    assert main([*asked, f"--query={folder}"]) == 0
    assert "cannot be read: Permission denied" in capsys.readouterr().out


def test_errors_alone_are_an_error(asked: list[str], tmp_path: Path, capsys: Capture) -> None:
    folder = queries(tmp_path, b"no image", b"")
    (tmp_path / "o.json").write_text("before")
    assert main([*asked, f"--query={folder}", f"--json={tmp_path / 'o.json'}"]) == 2
    assert "0.png is not a PNG" in capsys.readouterr().err
    assert (tmp_path / "o.json").read_text() == "before"


def test_a_single_image(asked: list[str], tmp_path: Path, capsys: Capture) -> None:
    image = queries(tmp_path, drawing(4)) / "0.png"
    assert main([*asked, f"--query={image}"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith(f"{image}  ")
    (tmp_path / "notes.txt").touch()
    for name, told in (("notes.txt", "no image by its name's end"), ("none.png", "does not exist")):
        assert main([*asked, f"--query={tmp_path / name}"]) == 2
        assert told in capsys.readouterr().err


def test_where_nothing_can_be_written_is_told_before_anything_is_computed(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(without_server, "fit", lambda *_: pytest.fail("it was computed"))
    folder = queries(tmp_path, drawing(4))
    for target, told in ((tmp_path / "no" / "o.json", "no is no folder"), (tmp_path, "is a folder; name a file")):
        assert main([*asked, f"--query={folder}", f"--json={target}"]) == 2
        assert told in capsys.readouterr().err


def test_what_is_no_plain_file_is_written_to_not_replaced(
    asked: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = queries(tmp_path, drawing(4))
    (tmp_path / "link.json").symlink_to("o.json")
    (tmp_path / "o.json").touch()
    assert main([*asked, f"--query={folder}", f"--json={tmp_path / 'link.json'}"]) == 0
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "o.json").read_text())["model"] == TINY


def test_a_table_cannot_speak_to_the_terminal(asked: list[str], tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "support" / "a" / "\x1b[31m.png").write_bytes(drawing(0))
    (tmp_path / "support" / "a" / "1.png").unlink()
    folder = queries(tmp_path)
    (folder / "\x1b[2J\n.png").write_bytes(drawing(0))
    (folder / "\x1b[8m.png").write_bytes(b"no image")
    (folder / "\x1b[1m.txt").write_bytes(b"")
    assert main([*asked, f"--query={folder}", f"--json={tmp_path / 'o.json'}"]) == 0
    caught = capsys.readouterr()
    assert "\x1b" not in caught.out + caught.err
    assert f"{folder}/\ufffd[8m.png   is not a PNG" in caught.out
    names = [one["filename"] for one in json.loads((tmp_path / "o.json").read_text())["predictions"]]
    assert names == [f"{folder}/\x1b[2J\n.png", f"{folder}/\x1b[8m.png"]


def test_a_label_that_is_refused_is_told_with_its_file(asked: list[str], tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "support" / "c\nd").mkdir()
    (tmp_path / "support" / "c\nd" / "1.png").write_bytes(drawing(3))
    assert main([*asked, f"--query={tmp_path / 'support'}"]) == 2
    assert capsys.readouterr().err == (
        "error: the label 'c\ufffdd' holds control characters or line breaks; leave them out "
        f"(file {tmp_path}/support/c\ufffdd/1.png)\n"
    )
