"""Reads multipart/form-data, counting files, fields and the bytes of each while they stream in."""

import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from service.problems import Problem
from service.uploads import archives
from service.uploads.disposition import decoded, names
from service.uploads.labels import printable

_MAX_TEXT_BYTES = 4096
_FILE_FIELDS = frozenset({"support", "query", archives.FIELD})
_KIND = b"text/plain"  # of a part without a Content-Type (RFC 7578, 4.4)
MAX_KNOBS = 16  # text fields besides labels, with room for wrong ones, which problems then name


@dataclass(frozen=True)
class Text:
    """A text field."""

    field: str
    value: str


class Sink(Protocol):
    """Where the bytes of one file go, in order; ``finish`` is called after the last."""

    def write(self, content: bytes, /) -> object:
        """Take the next bytes."""

    def finish(self) -> None:
        """Note that there are no more."""


class Memory(io.BytesIO):
    """Keeps a file in memory."""

    def finish(self) -> None:
        """Rewind, for reading."""
        self.seek(0)


@dataclass(frozen=True)
class File:
    """An uploaded file, all of whose bytes have gone to ``sink``."""

    field: str
    filename: str
    sink: Sink


class FormReader:
    """Reads one form.

    Args:
        max_files: most files, of all fields together.
        max_texts: most text fields, all of which stay in memory.
        max_bytes: gives the most bytes of a file, by its field's name.
        open_file: gives the sink for a file, by its field's name and its own; by default a ``Memory``.
    """

    def __init__(
        self,
        *,
        max_files: int,
        max_texts: int,
        max_bytes: Callable[[str], int],
        open_file: Callable[[str, str], Sink] = lambda _field, _filename: Memory(),
    ) -> None:
        self._max_files = max_files
        self._max_texts = max_texts
        self._max_bytes = max_bytes
        self._open_file = open_file
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._disposition, self._kind = b"", _KIND
        self._field, self._filename = "", ""
        self._is_file = False
        self._sink: Sink | None = None
        self._text = bytearray()
        self._size = 0
        self._parts: list[Text | File] = []
        self._files = self._texts = 0
        self._ended = False

    async def read(self, content_type: str, chunks: AsyncIterator[bytes]) -> list[Text | File]:
        """Parse the body; give its parts in order, without nameless empty files: HTML inputs left empty.

        Raises:
            Problem: 413 beyond a limit, naming field and file; 400 for a malformed form.
        """
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise _malformed("its Content-Type names no boundary; let what makes the form set this header")
        try:
            parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._open,
                    "on_part_data": self._take,
                    "on_part_end": self._close,
                    "on_end": self._end,
                },
            )
            async for chunk in chunks:
                parser.write(chunk)
            parser.finalize()
        except FormParserError as error:
            raise _malformed(str(error)) from error
        if not self._ended:
            raise _malformed("it ends before its last boundary")
        return self._parts

    def _begin(self) -> None:
        self._header = (bytearray(), bytearray())
        self._disposition, self._kind = b"", _KIND
        self._text = bytearray()
        self._sink = None
        self._size = 0

    def _end_header(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        elif name.lower() == b"content-type":
            self._kind = bytes(value).strip().lower()
        self._header = (bytearray(), bytearray())

    def _open(self) -> None:
        field, filename = names(self._disposition)
        if field is None:
            raise _malformed("a part has no name in its Content-Disposition")
        self._field = field
        if filename is None and self._kind.startswith(b"multipart/"):
            raise _nested(field)
        if filename is None and field in _FILE_FIELDS and not self._kind.startswith(b"text/"):
            filename = ""  # as programs send bytes that they have no name for
        self._is_file = filename is not None
        if filename is not None:
            self._filename = printable(filename)
            if self._filename:
                self._open_sink()
            return  # a nameless file counts, and gets a name, only once it has content
        self._texts += 1
        if self._texts > self._max_texts:
            detail = (
                f"more than {self._max_texts} text fields in one form, at {self._field!r}; leave some out, or "
                f"send several requests: one takes at most {self._max_files} files, with a label each"
            )
            raise Problem(413, detail, title="Too many fields", field=self._field)

    def _open_sink(self) -> None:
        self._files += 1
        self._filename = self._filename or f"{self._field}[{self._files}]"
        if self._files > self._max_files:
            raise Problem(
                413,
                f"more than {self._max_files} files in one request, at field {self._field!r}; "
                "send several requests",
                title="Too many files",
                field=self._field,
            )
        self._sink = self._open_file(self._field, self._filename)

    def _take(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._is_file and self._sink is None:
            self._open_sink()
        if self._sink is None:
            if self._size > _MAX_TEXT_BYTES:
                detail = f"the text of {self._field!r} is longer than {_MAX_TEXT_BYTES} bytes"
                raise Problem(413, f"{detail}; if it is a file, send it as one", field=self._field)
            self._text.extend(data[start:end])
            return
        allowed = self._max_bytes(self._field)
        if self._size > allowed:
            detail = f"{self._filename} is larger than the {allowed} bytes allowed; make it smaller"
            raise Problem(413, detail, title="File too large", file=self._filename, field=self._field)
        self._sink.write(data[start:end])

    def _close(self) -> None:
        if self._sink is not None:
            self._sink.finish()
            self._parts.append(File(self._field, self._filename, self._sink))
        elif not self._is_file:
            self._parts.append(Text(self._field, decoded(bytes(self._text))))

    def _end(self) -> None:
        self._ended = True


def no_file(field: str) -> Problem:
    """Make the 422 Problem for a text in a field of files."""
    return Problem(
        422, f"{field!r} is a text; send a file (curl: -F {field}=@FILE)", title="Wrong type", field=field
    )


def _nested(field: str) -> Problem:
    """Make the 422 Problem for a part that is a form itself (RFC 7578, 4.3): curl's ``-F query=@A,B``."""
    detail = f"{field!r} holds several files in one part; send each as a part of its own (curl: -F once for each)"
    return Problem(422, detail, title="Wrong type", field=field)


def _malformed(why: str) -> Problem:
    return Problem(400, f"the multipart form is malformed: {why}", title="Malformed form")
