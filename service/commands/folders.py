"""Image files in folders, as the commands take them."""

from pathlib import Path

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})


class FolderError(ValueError):
    """A folder or file holds nothing to work on; the message names it."""


def image_files(folder: Path) -> list[Path]:
    """All image files in a folder and its subfolders, sorted; hidden ones are left out."""
    if not folder.is_dir():
        raise FolderError(f"{folder} is no folder")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    found = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not found:
        raise FolderError(f"{folder} holds no image ({', '.join(sorted(SUFFIXES))})")
    return found


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
