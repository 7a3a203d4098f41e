"""Many images in parts, each of which a server takes in one request."""

import hashlib
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.commands.folders import FolderError
from service.settings import MEBIBYTE

# Far below what a server allows: little is sent again after a break, and a line of 2.5 Mbit/s sends a part within
# the minute that a server gives a request's body by default.
_IMAGES = 2000
_BYTES = 16 * MEBIBYTE
# Readers of archives take the first for a slash; the rest is no text.
_NO_NAME = re.compile(r"[\\\ud800-\udfff]")


@dataclass(frozen=True)
class Part:
    """Some of a folder's images, or an archive of them.

    Attributes:
        root: the folder.
        files: in it, in their order.
        packed: whether it is a single file, an archive of images already.
    """

    root: Path
    files: tuple[Path, ...]
    packed: bool = False

    @property
    def images(self) -> int | None:
        """How many there are; of a packed part the server tells it."""
        return None if self.packed else len(self.files)

    @property
    def names(self) -> list[str]:
        """What results call the images: their paths within the folder."""
        return [path.relative_to(self.root).as_posix() for path in self.files]

    def fingerprint(self, *of: object) -> str:
        """A name for the part's results: another after any change of its files, or of what else they hang on."""
        found = [repr(of)]
        for name, path in zip(self.names, self.files, strict=True):
            about = _about(path)
            found.append(repr((name, about.st_size, about.st_mtime_ns)))
        return hashlib.sha256("\n".join(found).encode(errors="surrogateescape")).hexdigest()[:32]

    def archive(self, folder: Path) -> Path:
        """Give the part as a zip archive, written into a folder unless it is one.

        Raises:
            FolderError: naming a file that cannot be read.
        """
        if self.packed:
            return self.files[0]
        target = folder / "images.zip"
        # Images are compressed already.
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
            for name, path in zip(self.names, self.files, strict=True):
                try:
                    archive.write(path, name)
                except OSError as error:
                    raise FolderError(f"{path} cannot be read: {error.strerror}") from error
        return target


def in_parts(root: Path, files: Sequence[Path], *, images: int = _IMAGES, size: int = _BYTES) -> Iterator[Part]:
    """Divide files: each part as many as come next until it has ``images``, or one more would exceed ``size``.

    Raises:
        FolderError: naming a file that cannot be read, or whose name no archive can hold.
    """
    some: list[Path] = []
    total = 0
    for path in files:
        if _NO_NAME.search(path.relative_to(root).as_posix()):
            raise FolderError(f"{str(path)!a} is no valid name in an archive; rename the file or its folder")
        length = _about(path).st_size
        if some and (len(some) == images or total + length > size):
            yield Part(root, tuple(some))
            some, total = [], 0
        some.append(path)
        total += length
    if some:
        yield Part(root, tuple(some))


def _about(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}") from error
