"""The images of a job: streamed to disk as one zip archive, and checked, before the job is accepted."""

import os
import zipfile
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from models.choice import AUTO
from service.problems import Problem
from service.settings import Settings
from service.uploads import archives, keep_known
from service.uploads.intake import read_raw, refuse_compressed
from service.uploads.labels import clean_text
from service.uploads.media_type import FORM, media_type
from service.uploads.multipart import MAX_KNOBS, File, FormReader, Sink, no_file
from service.uploads.raw_upload import RawUpload

INPUT = "input.zip"  # the archive as it came; PACKED is one that the service packed
PACKED = "queries.zip"
_KNOBS, _FILES = frozenset({"model", keep_known.FIELD}), frozenset({"query", archives.FIELD})


@dataclass(frozen=True)
class JobKnobs:
    """What a job's request contains besides its images.

    Attributes:
        model: the one that the caller names, or ``auto``.
        keep_known: share of images of known classes that shall not be flagged unknown.
    """

    model: str
    keep_known: float

    @classmethod
    def of(cls, upload: RawUpload) -> "JobKnobs":
        """Read the fields that came; raises a Problem for one that a job does not take, or that came twice."""
        upload.check_fields(_KNOBS, _FILES)
        model = upload.fields.get("model", "")
        return cls(
            AUTO if model == "" else clean_text(model, field="model", what="model"),
            keep_known.read_keep_known(upload.fields.get(keep_known.FIELD)),
        )


async def receive_job_input(request: Request, settings: Settings, folder: Path) -> tuple[int, JobKnobs]:
    """Put a job's images into its folder as one archive: the ``archive`` that came, or ``query`` files packed.

    Args:
        request: its body is consumed; a multipart form, or JSON with the same fields in base64.
        settings: the limits.
        folder: an existing folder.

    Returns:
        The number of images, and the request's other fields; by then the archive is checked and safely on disk
        (see ``open_job_input``).

    Raises:
        Problem: naming the field at fault, and the file if there is one; the folder is then as before.
    """
    spool = _Spool(folder / f".{INPUT}")
    try:
        if media_type(request.headers) == FORM:
            knobs = await _read_form(request, settings, spool)
        else:
            knobs = await _read_json(request, settings, spool)
        images = await run_in_threadpool(spool.complete, settings)
        spool.path.replace(folder / (PACKED if spool.packed else INPUT))
        return images, knobs
    finally:
        spool.close()


def open_job_input(folder: Path, settings: Settings) -> AbstractContextManager[archives.Archive]:
    """Open the archive that ``receive_job_input`` put into a folder; its ``names`` are those of the images."""
    own = folder / PACKED
    return archives.query_entries(own if own.exists() else folder / INPUT, settings, own=own.exists())


def drop_job_input(folder: Path) -> None:
    """Remove the archive from a folder; a thread that has it open can read on."""
    for name in (PACKED, INPUT):
        (folder / name).unlink(missing_ok=True)


async def _read_form(request: Request, settings: Settings, spool: "_Spool") -> JobKnobs:
    refuse_compressed(request)
    upload = RawUpload()
    limits = {archives.FIELD: settings.max_archive_bytes}
    reader = FormReader(
        max_files=settings.max_archive_entries,
        max_texts=MAX_KNOBS,
        max_bytes=lambda field: limits.get(field, settings.max_file_bytes),
        open_file=spool.open,
    )
    for part in await reader.read(request.headers["content-type"], request.stream()):
        if not isinstance(part, File):
            if part.field in _FILES:
                raise no_file(part.field)
            upload.add_field(part.field, part.value)
    return JobKnobs.of(upload)


async def _read_json(request: Request, settings: Settings, spool: "_Spool") -> JobKnobs:
    upload = await read_raw(request, settings, frozenset({"query"}))
    knobs = JobKnobs.of(upload)
    if upload.support:
        raise _unexpected("support")
    await run_in_threadpool(_write, upload, spool)
    return knobs


def _write(upload: RawUpload, spool: "_Spool") -> None:
    files = [("query", query.filename, query.content) for query in upload.queries]
    if upload.archive is not None:
        files.append((archives.FIELD, archives.FIELD, upload.archive.read()))
    for field, filename, content in files:
        sink = spool.open(field, filename)
        sink.write(content)
        sink.finish()


def _unexpected(field: str, file: str | None = None) -> Problem:
    detail = f"a job takes no {field!r}; send 'archive' (a zip of images) or 'query' files"
    return Problem(422, detail, title="Unexpected field", file=file, field=field)


class _Spool:
    """One archive on disk, written as it comes or packed from single files as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._field: str | None = None
        self._file: IO[bytes] = path.open("w+b")
        self._packed: zipfile.ZipFile | None = None
        self._entry: IO[bytes] | None = None
        self._names: set[str] = set()
        self._numbers: dict[str, int] = {}  # next number for each name that several files share

    @property
    def packed(self) -> bool:
        """Whether the archive is packed here rather than received."""
        return self._packed is not None

    def open(self, field: str, filename: str) -> Sink:
        """Begin a file; raises a 422 Problem for one that a job does not take."""
        if field not in _FILES:
            raise _unexpected(field, filename)
        if self._field is not None and (self._field, field) != ("query", "query"):
            detail = "send either one 'archive' or 'query' files"
            raise Problem(422, detail, title="Unexpected field", file=filename, field=field)
        self._field = field
        if field == archives.FIELD:
            return _Ending(self._file, close=False)
        if self._packed is None:
            self._packed = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED)
        self._entry = self._packed.open(zipfile.ZipInfo(self._unused(filename)), "w")
        return _Ending(self._entry, close=True)

    def complete(self, settings: Settings) -> int:
        """Finish the archive, flush it to disk, and check it; give the number of images."""
        if self._field is None:
            detail = "there is neither 'archive' (a zip of images) nor 'query' files"
            raise Problem(422, detail, title="Missing field", field=archives.FIELD)
        if self._packed is not None:
            self._packed.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        with archives.query_entries(self.path, settings, own=self.packed) as archive:
            return len(archive.names)

    def close(self) -> None:
        """Close the files, and delete the archive unless it was moved away."""
        with ExitStack() as stack:  # the last first, and all of them, though on a full disk each may fail
            stack.callback(self.path.unlink, missing_ok=True)
            stack.callback(self._file.close)
            if self._packed is not None:
                stack.callback(self._packed.close)
            if self._entry is not None:
                stack.callback(self._entry.close)  # still open if the form was refused within a file

    def _unused(self, name: str) -> str:
        """Number a name that another file has: results call images by name, so no two may share one."""
        folder, slash, last = name.rpartition("/")
        stem, _, extension = last.rpartition(".")
        unused = name
        while unused in self._names:
            number = self._numbers.get(name, 2)
            self._numbers[name] = number + 1
            unused = f"{folder}{slash}{stem} ({number}).{extension}" if stem else f"{name} ({number})"
        self._names.add(unused)
        return unused


class _Ending:
    """A sink that writes to an open file and, if told to, closes it at the end."""

    def __init__(self, file: IO[bytes], *, close: bool) -> None:
        self._file = file
        self._close = close

    def write(self, content: bytes, /) -> object:
        return self._file.write(content)

    def finish(self) -> None:
        if self._close:
            self._file.close()
