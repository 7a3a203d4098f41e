"""Images in folders of this machine, named as the service names them."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})


class NoImages(ValueError):
    """A folder holds nothing to work on; the message says what was looked for."""


def images_below(place: Path) -> list[Path]:
    """Find the images of a folder and all folders in it, sorted; of a file, itself.

    Raises:
        NoImages: where there is none.
    """
    if place.is_file():
        return [place]
    found = sorted(path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES and _shown(path, place))
    if not found:
        what = "is not there" if not place.exists() else f"holds no image ({', '.join(sorted(SUFFIXES))})"
        raise NoImages(f"{place} {what}")
    return found


def labelled_below(folder: Path) -> list[tuple[str, Path]]:
    """Find the images of a folder with a folder per class; nested ones give labels as ``Greek/character03``.

    Raises:
        NoImages: where there is none, or one lies outside of the classes' folders.
    """
    labelled = []
    for path in images_below(folder):
        label = path.parent.relative_to(folder if folder.is_dir() else folder.parent).as_posix()
        if label == ".":
            raise NoImages(f"{path} lies in no class's folder; {folder} must hold one folder for each class")
        labelled.append((label, path))
    return labelled


def name_below(path: Path, place: Path) -> str:
    """Name an image by its path within the folder that was given."""
    return path.relative_to(place).as_posix() if place.is_dir() else path.name


def pack(paths: Sequence[Path], place: Path, archive: Path) -> None:
    """Write images into a zip archive, unpacked as images are packed already."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, strict_timestamps=False) as file:
        for path in paths:
            file.write(path, name_below(path, place))


def _shown(path: Path, place: Path) -> bool:
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(place).parts)
