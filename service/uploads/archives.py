"""Zip archives, from callers who may mean harm: all entries are checked before anything is unpacked."""

import contextlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from service.problems import Problem
from service.settings import MEBIBYTE, Settings
from service.uploads.labels import one_line

FIELD = "archive"
LITTER = frozenset({"thumbs.db", "desktop.ini"})  # files that Windows leaves in folders
_UTF8_FLAG = 1 << 11
_DIRECTORY_BYTES_PER_ENTRY = 512  # of the archive's directory, allowing long names
# What ``zipfile`` raises on damage, its own exception and others; found by mutating archives.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold.

    Attributes:
        entries: files, without folders, hidden files and litter.
        file_bytes: of one entry, unpacked.
        total_bytes: of all entries, unpacked.
        ratio: unpacked to packed size of an entry of at least 1 MiB.
        one_spoils_all: whether one entry too large makes the archive unusable, or fails only when it is read.
    """

    entries: int
    file_bytes: int
    total_bytes: int
    ratio: int
    one_spoils_all: bool

    @classmethod
    def of_support(cls, settings: Settings) -> "Limits":
        """Make the limits of an archive that is read into memory."""
        total = settings.max_support_unpacked_bytes
        return cls(settings.max_files, settings.max_file_bytes, total, settings.max_archive_ratio, True)

    @classmethod
    def of_job(cls, settings: Settings) -> "Limits":
        """Make the limits of an archive that stays on disk and is read one image at a time."""
        total = settings.max_archive_unpacked_bytes
        return cls(
            settings.max_archive_entries, settings.max_file_bytes, total, settings.max_archive_ratio, False
        )


class Archive:
    """An open archive whose entries have passed every check that needs no unpacking.

    Attributes:
        names: its files' names in the archive's order, without folders, dot files and system litter; in an
            archive that the service packed itself (``own``), those of all entries.
    """

    def __init__(self, file: zipfile.ZipFile, limits: Limits, *, own: bool) -> None:
        self._file, self._limits = file, limits
        entries = [entry for entry in file.infolist() if own or _counts(entry)]
        if len(entries) > limits.entries:
            raise _refusal(f"holds {len(entries)} files, {limits.entries} are allowed; split it", 413)
        for entry in file.infolist():
            if not own:
                _check_entry(entry)
            if limits.one_spoils_all:
                _check_size(entry, _name(entry), limits)
        declared = sum(entry.file_size for entry in file.infolist())
        if declared > limits.total_bytes:
            raise _refusal(f"unpacks to {declared} bytes, {limits.total_bytes} are allowed; split it", 413)
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            name = entry.filename if own else _name(entry)
            if name in self._entries:
                raise _refusal(f"holds {name} twice; rename one", 422, name)
            self._entries[name] = entry
        if not entries:
            raise _refusal("holds no image", 422)
        self.names = tuple(self._entries)
        _check_apart(self.names)

    def size(self, name: str) -> int:
        """Give the bytes that a file declares to have, unpacked."""
        return self._entries[name].file_size

    def read(self, name: str) -> bytes:
        """Unpack one file, at most to its declared size, which the limits allow.

        Raises:
            Problem: naming the entry, if it is too large, damaged or larger than it declared.
        """
        entry = self._entries[name]
        _check_size(entry, name, self._limits)
        try:
            with self._file.open(entry) as stream:
                content = stream.read(entry.file_size)
                if len(content) < entry.file_size or stream.read(1):
                    raise zipfile.BadZipFile("its size is not the declared one")
                return content
        except _DAMAGE as error:
            raise _refusal(f"is damaged at {name}: {error}", 422, name) from error


@contextlib.contextmanager
def open_archive(source: Path | BinaryIO, limits: Limits, *, own: bool = False) -> Iterator[Archive]:
    """Open and check an archive.

    Raises:
        Problem: 413 beyond a limit, 422 for a file that is no zip archive or holds a forbidden entry.
    """
    if isinstance(source, Path):
        with source.open("rb") as stream, open_archive(stream, limits, own=own) as archive:
            yield archive
        return
    try:
        _check_directory(source, limits)
        file = zipfile.ZipFile(source)
    except (*_DAMAGE, OSError) as error:
        raise _refusal(f"is no sound zip archive: {error}", 422) from error
    with file:
        yield Archive(file, limits, own=own)


def support_entries(source: Path | BinaryIO, settings: Settings) -> Iterator[tuple[str, str, bytes]]:
    """Read a support archive, a folder per class: label, file name and content of each example.

    A single outer folder around all others is left out of the labels; nested folders give labels such as
    ``Greek/character03``.

    Raises:
        Problem: as ``open_archive`` and ``Archive.read``, and 422 for a file outside of any folder.
    """
    with open_archive(source, Limits.of_support(settings)) as archive:
        folders = {name: PurePosixPath(name).parent.parts for name in archive.names}
        for name, parts in folders.items():
            if not parts:
                remedy = "put each class's images in a folder of its name"
                raise _refusal(f"has {name} outside of any folder; {remedy}", 422, name)
        wrapped = len({parts[0] for parts in folders.values()}) == 1 and min(map(len, folders.values())) > 1
        for name, parts in folders.items():
            yield "/".join(parts[1:] if wrapped else parts), name, archive.read(name)


def query_entries(
    source: Path | BinaryIO, settings: Settings, *, own: bool = False
) -> contextlib.AbstractContextManager[Archive]:
    """Open and check a job's archive, whose files are read one at a time (see ``open_archive``)."""
    return open_archive(source, Limits.of_job(settings), own=own)


def _name(entry: zipfile.ZipInfo) -> str:
    """Give an entry's name as its packer saw it, with forward slashes.

    Without the flag for UTF-8, ``zipfile`` reads names in DOS's encoding (cp437), but many are UTF-8 all the
    same (``zip`` on Linux, the Finder); hardly any name in another encoding is valid UTF-8 by chance.
    """
    name = entry.filename
    if not entry.flag_bits & _UTF8_FLAG and not name.isascii():
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return name.replace("\\", "/")


def _counts(entry: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(_name(entry)).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return bool(parts) and not (entry.is_dir() or hidden or parts[-1].lower() in LITTER)


def _check_apart(names: Iterable[str]) -> None:
    """Refuse names that results would show alike, as they replace all control characters by one sign."""
    shown: set[str] = set()
    for name in map(one_line, names):
        if name in shown:
            raise _refusal(f"holds two files called {name}; rename one", 422, name)
        shown.add(name)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = _name(entry)
    path = PurePosixPath(name)
    if entry.header_offset < 0:
        raise _refusal(f"is damaged at {name}: it would begin before the archive does", 422, name)
    if ".." in path.parts or path.is_absolute() or "\0" in entry.orig_filename:
        raise _refusal(f"has an entry that leaves its folder: {name}", 422, name)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _refusal(f"has a symbolic link: {name}; pack the files themselves", 422, name)
    if entry.flag_bits & 0x1:
        raise _refusal(f"has an encrypted entry: {name}; pack without a password", 422, name)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refusal(f"packs {name} by a rare method; use the usual one (deflate)", 422, name)


def _check_size(entry: zipfile.ZipInfo, name: str, limits: Limits) -> None:
    if entry.file_size > limits.file_bytes:
        raise _refusal(
            f"has {name} of {entry.file_size} bytes, {limits.file_bytes} are allowed; make it smaller", 413, name
        )
    if entry.file_size >= MEBIBYTE and entry.file_size > limits.ratio * entry.compress_size:
        raise _refusal(f"has {name}, which unpacks to over {limits.ratio} times its size", 413, name)


def _check_directory(file: BinaryIO, limits: Limits) -> None:
    """Refuse an endless directory of entries before ``zipfile`` reads it into memory."""
    try:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    except OSError:
        end = None
    if end is None:
        raise _refusal("is no zip archive", 422)
    allowed = (limits.entries + 64) * _DIRECTORY_BYTES_PER_ENTRY
    if end[zipfile._ECD_SIZE] > allowed:  # type: ignore[attr-defined]
        raise _refusal(f"lists more entries than the {limits.entries} allowed; split it", 413)


def _refusal(why: str, status: int, name: str | None = None) -> Problem:
    return Problem(status, f"the archive {why}", title="Unusable archive", file=name, field=FIELD)
