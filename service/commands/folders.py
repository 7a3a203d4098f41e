"""Finds the image files in the folders that commands are given."""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from models.images.image_decoding import SUFFIXES
from service.uploads.archives import LITTER
from service.uploads.labels import one_line

_HEIC = frozenset({".heic", ".heif"})
NO_TEXT = re.compile("[\ud800-\udfff]")  # bytes that are not UTF-8, as Python shows them


class FolderError(ValueError):
    """A folder or file holds nothing to work on; the message names it."""


def image_files(folder: Path) -> list[Path]:
    """Find all image files in a folder and its subfolders, including linked ones, sorted.

    Hidden files, and those that systems add to folders and archives, are skipped; other files that are no images
    by name are left out and counted on stderr.

    Raises:
        FolderError: if there are no images, or naming a folder that cannot be read or a name that is not UTF-8.
    """
    images, others = _divided(folder)
    _tell_left_out(folder, others)
    return images


def images_of(given: Path) -> list[Path]:
    """Find all image files of a folder, or take the single file that is given.

    Raises:
        FolderError: as ``image_files``, or naming a file that is no image by name or does not exist.
    """
    if not given.exists():
        raise FolderError(f"{given} does not exist")
    if given.is_dir():
        return image_files(given)
    if given.suffix.lower() not in SUFFIXES:
        raise FolderError(f"{given} is no image by its name's end ({_suffixes()}){_hint([given])}")
    _check_text(given, given.name)
    return [given]


def labelled_files(folder: Path) -> list[tuple[str, Path]]:
    """Find the image files of a folder per class; give pairs of label (such as Greek/character03) and file.

    Raises:
        FolderError: as ``image_files``, or naming an image outside of any class or a class without images.
    """
    images, others = _divided(folder)
    labelled = []
    for path in images:
        label = path.parent.relative_to(folder).as_posix()
        if label == ".":
            raise FolderError(
                f"{path} lies outside of any class; put each class's images in a folder of its name"
            )
        labelled.append((label, path))
    used = {folder}.union(*(path.parents for path in images))
    for path in others:
        if path.parent not in used:
            raise FolderError(
                f"{path.parent} holds no image ({_suffixes()}), only files such as {path.name}"
                f"{_hint([path]) or '; add images, or take the folder away'}"
            )
    _tell_left_out(folder, others)
    return labelled


def _divided(folder: Path) -> tuple[list[Path], list[Path]]:
    """Divide a folder's files into images, at least one, and those that are none by name."""
    if not folder.is_dir():
        raise FolderError(f"{folder} is no folder")
    images: list[Path] = []
    others: list[Path] = []
    for path in sorted(path for path in _files(folder, ()) if path.is_file()):
        (images if path.suffix.lower() in SUFFIXES else others).append(path)
    if not images:
        raise FolderError(f"{folder} holds no image ({_suffixes()}){_hint(others)}")
    for path in images:
        _check_text(path, str(path.relative_to(folder)))
    return images, others


def _check_text(path: Path, name: str) -> None:
    if NO_TEXT.search(name):
        raise FolderError(f"{str(path)!a} is no valid name; rename the file")


def _files(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """List a folder and its subfolders, without following links back to a folder above."""
    real = folder.resolve()
    if real in above:
        return
    try:
        found = list(folder.iterdir())
    except OSError as error:
        raise FolderError(f"{folder} cannot be read: {error.strerror}") from error
    for path in found:
        if path.name.startswith(".") or path.name == "__MACOSX" or path.name.lower() in LITTER:
            continue
        if path.is_dir():
            yield from _files(path, (*above, real))
        else:
            yield path


def _tell_left_out(folder: Path, others: Sequence[Path]) -> None:
    if others:
        one = next(filter(_is_heic, others), others[0])
        print(
            f"{folder}: {len(others)} of its files left out, such as {one_line(str(one.relative_to(folder)))}: "
            f"no image by the name's end ({_suffixes()}){_hint(others)}",
            file=sys.stderr,
        )


def _suffixes() -> str:
    return ", ".join(sorted(SUFFIXES))


def _hint(others: Sequence[Path]) -> str:
    return "; save HEIC photos as JPEG" if any(map(_is_heic, others)) else ""


def _is_heic(path: Path) -> bool:
    return path.suffix.lower() in _HEIC
