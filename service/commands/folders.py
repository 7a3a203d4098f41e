"""Image files in folders, as the commands take them."""

import re
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})
_NO_TEXT = re.compile("[\ud800-\udfff]")  # bytes of a name that are not UTF-8


class FolderError(ValueError):
    """A folder or file holds nothing to work on; the message names it."""


def image_files(folder: Path) -> list[Path]:
    """All image files in a folder and its subfolders, also those that links lead to, sorted.

    Hidden ones are left out, and what macOS adds to archives.

    Raises:
        FolderError: if there are none, or naming a folder that cannot be read, or a name that is no text.
    """
    if not folder.is_dir():
        raise FolderError(f"{folder} is no folder")
    found = sorted(path for path in _files(folder, ()) if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise FolderError(f"{folder} holds no image ({', '.join(sorted(SUFFIXES))})")
    for path in found:
        if _NO_TEXT.search(str(path.relative_to(folder))):
            raise FolderError(f"{str(path)!a} is no valid name; rename the file")
    return found


def _files(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """What is in a folder and its subfolders, but for folders that a link leads back to."""
    real = folder.resolve()
    if real in above:
        return
    try:
        found = list(folder.iterdir())
    except OSError as error:
        raise FolderError(f"{folder} cannot be read: {error.strerror}") from error
    for path in found:
        if path.name.startswith(".") or path.name == "__MACOSX":
            continue
        if path.is_dir():
            yield from _files(path, (*above, real))
        else:
            yield path


def labelled_files(folder: Path) -> list[tuple[str, Path]]:
    """The image files of a folder per class, each with its label: its folder's path, as Greek/character03."""
    labelled = []
    for path in image_files(folder):
        label = path.parent.relative_to(folder).as_posix()
        if label == ".":
            raise FolderError(
                f"{path} lies outside of any class; put each class's images in a folder of its name"
            )
        labelled.append((label, path))
    return labelled
