"""Divides many images into parts, each small enough for one request."""

import hashlib
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from service.commands.folders import FolderError
from service.commands.outputs import NO_ROOM, named_in_errors
from service.settings import MEBIBYTE
from service.uploads.labels import one_line

# Far below a server's limits: little is sent again after an interruption, and a line of 2.5 Mbit/s sends a part
# within the minute that a server allows for a request's body by default.
_IMAGES = 2000
_BYTES = 16 * MEBIBYTE
Labelled = tuple[str, Path]  # an example's label and file
PACKED = "images.zip"  # the name of a part's archive
# The service leaves hidden files out, and readers of archives take a backslash for a slash; the rest are bytes
# that are not UTF-8.
_NO_NAME = re.compile(r"^\.|[\\\ud800-\udfff]")


@dataclass(frozen=True)
class Part:
    """Some of a folder's images, or an archive of them.

    Attributes:
        root: the folder that the files lie in.
        files: the images, in order, or the one archive.
        packed: whether ``files`` is a single archive of images.
    """

    root: Path
    files: tuple[Path, ...]
    packed: bool = False

    @property
    def images(self) -> int | None:
        """The number of images; None for a packed part, whose number the server tells."""
        return None if self.packed else len(self.files)

    @property
    def oversized(self) -> bool:
        """Whether it is a single image, because that alone is larger than a part should be."""
        return self.images == 1 and _about(self.files[0]).st_size > _BYTES

    @property
    def names(self) -> list[str]:
        """The files' paths within the folder."""
        return [_name(self.root, path) for path in self.files]

    @property
    def shown(self) -> dict[str, str]:
        """The images' names by what the server calls them, on one line; none of a packed part."""
        return {} if self.packed else {one_line(name): name for name in self.names}

    def fingerprint(self, *of: object) -> str:
        """Name the part's results, differently after any change of its files or of ``of``, what else counts."""
        found = [repr(of)]
        for name, path in zip(self.names, self.files, strict=True):
            about = _about(path)
            found.append(repr((name, about.st_size, about.st_mtime_ns)))
        return hashlib.sha256("\n".join(found).encode(errors="surrogateescape")).hexdigest()[:32]

    def archive(self, folder: Path) -> Path:
        """Give the part as a zip archive, written into ``folder`` unless the part is one already.

        Raises:
            FolderError: naming a file that cannot be read.
            OSError: naming the archive, if there is no room for it.
        """
        if self.packed:
            return self.files[0]
        target = folder / PACKED
        # Stored, as images are compressed already.
        with (
            named_in_errors(target),
            zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive,
        ):
            for name, path in zip(self.names, self.files, strict=True):
                try:
                    archive.write(path, name)
                except OSError as error:
                    if error.errno in NO_ROOM:
                        raise
                    raise FolderError(f"{path} cannot be read: {error.strerror}") from error
        return target


def in_parts(root: Path, files: Sequence[Path], *, images: int = _IMAGES, size: int = _BYTES) -> Iterator[Part]:
    """Divide files, in order, into parts of at most ``images`` files and ``size`` bytes (or one larger file).

    No part has two names that a server, which shows all control characters as one sign, would take for the same.

    Raises:
        FolderError: naming a file that cannot be read, or whose name an archive cannot hold.
    """
    _check_open(files)
    some: dict[str, Path] = {}  # by what the server calls them
    total = 0
    for path in files:
        name = _name(root, path)
        if _NO_NAME.search(name):
            raise FolderError(f"{str(path)!a} is no valid name in an archive; rename the file or its folder")
        length, shown = _about(path).st_size, one_line(name)
        if some and (len(some) == images or total + length > size or shown in some):
            yield Part(root, tuple(some.values()))
            some, total = {}, 0
        some[shown] = path
        total += length
    if some:
        yield Part(root, tuple(some.values()))


def labelled_parts(support: Sequence[Labelled], *, size: int = _BYTES) -> Iterator[list[Labelled]]:
    """Divide examples into parts of at most ``size`` bytes, or one larger file; the first has two classes.

    The classes take turns, so that a first part, of which alone a task is made, has as many of them as can be.
    """
    by_class: dict[str, list[Labelled]] = {}
    for one in support:
        by_class.setdefault(one[0], []).append(one)
    part: list[Labelled] = []
    total, least = 0, min(2, len(by_class))
    for one in filter(None, chain.from_iterable(zip_longest(*by_class.values()))):
        length = _about(one[1]).st_size
        if len(part) >= least and total + length > size:
            yield part
            part, total, least = [], 0, 1
        part.append(one)
        total += length
    yield part


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _check_open(files: Sequence[Path]) -> None:
    """Tell of all closed files at once, rather than of one after hours, and of the next after some more."""
    closed = [path for path in files if not os.access(path, os.R_OK)]
    if closed:
        others = f" and {len(closed) - 1} more" if len(closed) > 1 else ""
        raise FolderError(f"{closed[0]}{others} cannot be read; allow it, or take what is closed away")


def _about(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}") from error
