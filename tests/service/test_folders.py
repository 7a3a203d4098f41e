"""Which files of a folder the commands take."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.commands.folders import FolderError, image_files, labelled_files

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def taken(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in image_files(folder)]


def test_images_of_all_subfolders_in_order(tmp_path: Path) -> None:
    make(tmp_path, "b/2.PNG", "b/1.jpeg", "a.webp", "notes.txt", "x.png/y.bmp")
    assert taken(tmp_path) == ["a.webp", "b/1.jpeg", "b/2.PNG", "x.png/y.bmp"]


def test_hidden_files_and_the_litter_of_archives_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / ".given"  # what the user names counts, whatever it is called
    make(folder, "1.png", ".2.png", ".thumbnails/3.png", "__MACOSX/a/4.png")
    assert taken(folder) == ["1.png"]


def test_links_are_followed_but_in_circles(tmp_path: Path) -> None:
    make(tmp_path, "elsewhere/1.png", "in/2.png")
    folder = tmp_path / "in"
    (folder / "class").symlink_to(tmp_path / "elsewhere")
    (folder / "one.png").symlink_to(tmp_path / "elsewhere" / "1.png")
    (folder / "circle").symlink_to(folder)
    (folder / "broken.png").symlink_to(tmp_path / "nothing")
    (folder / "itself.png").symlink_to("itself.png")
    assert taken(folder) == ["2.png", "class/1.png", "one.png"]
    (folder / "2.png").unlink()
    (folder / "one.png").unlink()
    assert [label for label, _ in labelled_files(folder)] == ["class"]


def test_a_folder_that_cannot_be_read_is_named_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "open/1.png", "closed/2.png")
    listed, scanned = os.listdir, os.scandir

    def refused(path: Path) -> None:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))

    # By hand, as nothing is closed to root.
    monkeypatch.setattr(os, "listdir", lambda path: refused(path) or listed(path))
    monkeypatch.setattr(os, "scandir", lambda path: refused(path) or scanned(path))
    with pytest.raises(FolderError, match="closed cannot be read: Permission denied"):
        image_files(tmp_path)


@pytest.mark.parametrize("name", [b"\xff.png", b"\xff/1.png"])
def test_a_name_that_is_no_text_is_told(tmp_path: Path, name: bytes) -> None:
    make(tmp_path, os.fsdecode(name))
    with pytest.raises(FolderError, match="rename the file"):
        image_files(tmp_path)


def test_a_folder_without_images_is_told(tmp_path: Path) -> None:
    make(tmp_path, "notes.txt", ".hidden.png")
    with pytest.raises(FolderError, match="holds no image"):
        image_files(tmp_path)


def test_what_may_be_an_image_is_taken_by_any_usual_ending(tmp_path: Path) -> None:
    make(tmp_path, "1.jfif", "2.JPE", "3.mpo", "4.apng", "5.heic")
    assert taken(tmp_path) == ["1.jfif", "2.JPE", "3.mpo", "4.apng"]


def test_the_names_ends_of_what_is_decoded_come_without_torch() -> None:
    asked = "import sys, models.images.image_decoding; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True).stdout == b"False\n"


def test_what_is_left_out_is_told(tmp_path: Path, capsys: Capture) -> None:
    make(tmp_path, "a/1.png", "a/0.txt", "a/.DS_Store", "a/Thumbs.db", "a/__MACOSX/x")
    for find in (image_files, labelled_files):
        find(tmp_path)
        (told,) = capsys.readouterr().err.splitlines()
        assert "1 of its files left out, such as a/0.txt" in told
        assert "HEIC" not in told
    make(tmp_path, "a/2.HEIC")
    image_files(tmp_path)
    assert "2 of its files left out, such as a/2.HEIC" in (told := capsys.readouterr().err)
    assert "save HEIC photos as JPEG" in told
    (tmp_path / "a" / "2.HEIC").unlink()
    (tmp_path / "a" / "0.txt").unlink()
    labelled_files(tmp_path)
    assert capsys.readouterr().err == ""


def test_a_class_does_not_vanish_with_its_images(tmp_path: Path) -> None:
    make(tmp_path, "cat/1.png", "dog/old/1.png", "dog/notes.txt", "readme.txt")
    assert [label for label, _ in labelled_files(tmp_path)] == ["cat", "dog/old"]
    make(tmp_path, "owl/1.HEIC")
    with pytest.raises(FolderError, match=r"owl holds no image .*1\.HEIC; save HEIC photos as JPEG"):
        labelled_files(tmp_path)
    (tmp_path / "owl" / "1.HEIC").rename(tmp_path / "owl" / "1.gif")
    with pytest.raises(FolderError, match=r"owl holds no image .*1\.gif; add images, or take the folder away"):
        labelled_files(tmp_path)


def test_a_folder_of_heic_photos_alone_is_told_so(tmp_path: Path) -> None:
    make(tmp_path, "1.HEIC")
    with pytest.raises(FolderError, match=r"holds no image .*; save HEIC photos as JPEG"):
        image_files(tmp_path)
