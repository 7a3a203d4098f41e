"""Which files of a folder the commands take."""

import os
from pathlib import Path

import pytest

from service.commands.folders import FolderError, image_files, labelled_files


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
