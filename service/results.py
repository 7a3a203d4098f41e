"""A job's results as JSON lines, CSV or Parquet, a few rows in memory at a time."""

import csv
import io
import json
import re
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Literal

Row = dict[str, Any]
Format = Literal["jsonl", "csv", "parquet"]
MEDIA_TYPES: dict[Format, str] = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
# Where a spreadsheet would see a formula: where a cell begins, or behind what some take for the separator, quotes
# between or not. They accept full-width signs.
_FORMULA = re.compile(r'^(?=[=+\-@\t\r\n＝＋－＠])|(?<=[;\t\r\n])(?="*[=+\-@＝＋－＠])')  # noqa: RUF001
_AT_ONCE = 1000
_CHUNK = 1 << 16


def stream(rows: Iterable[Row], labels: Sequence[str], kind: Format) -> Generator[bytes, None, None]:
    """Write rows in a format, about 64 KiB at a time; close the generator to stop early.

    Args:
        rows: predictions, or ``filename`` with ``error``.
        labels: the classes, for the columns of CSV.
        kind: ``jsonl``; ``csv``, where columns for the nearest example and for each class replace the nested
            members, and what a spreadsheet would run as a formula gets an apostrophe in front;
            ``parquet``, with nested columns.

    Raises:
        OSError: for ``parquet``, naming the temporary folder, if there is no room for it there.
    """
    if kind == "parquet":
        return _parquet(rows)
    return _joined(_csv(rows, sorted(labels)) if kind == "csv" else _jsonl(rows))


def _joined(lines: Iterable[bytes]) -> Generator[bytes, None, None]:
    """Join lines into chunks, as each chunk costs the server a thread switch and a message."""
    chunk = bytearray()
    for line in lines:
        chunk += line
        if len(chunk) >= _CHUNK:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def _jsonl(rows: Iterable[Row]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _csv(rows: Iterable[Row], labels: Sequence[str]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    classes = [_harmless(f"probability of {label}") for label in labels]
    head = ["filename", "label", "probability", "unknown", "nearest_label", "nearest_similarity", "error"]
    writer.writerow(head + classes)
    for row in rows:
        nearest = (row.get("nearest") or [{}])[0]
        cells = [
            row["filename"],
            row.get("label"),
            row.get("probability"),
            row.get("unknown"),
            nearest.get("label"),
            nearest.get("similarity"),
            row.get("error"),
            *(row.get("probabilities", {}).get(label) for label in labels),
        ]
        writer.writerow([_harmless(cell) for cell in cells])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    if buffer.tell():
        yield buffer.getvalue().encode()


def _harmless(cell: Any) -> Any:
    return _FORMULA.sub("'", cell) if isinstance(cell, str) else cell


def _parquet(rows: Iterable[Row]) -> Generator[bytes, None, None]:
    import pyarrow as pa  # here: its import takes as long as the rest of the service together
    import pyarrow.parquet as pq

    neighbour = {"label": pa.string(), "similarity": pa.float64(), "filename": pa.string(), "id": pa.string()}
    schema = pa.schema(
        {
            "filename": pa.string(),
            "label": pa.string(),
            "probability": pa.float64(),
            "probabilities": pa.map_(pa.string(), pa.float64()),
            "unknown": pa.bool_(),
            "nearest": pa.list_(pa.struct(neighbour)),
            "error": pa.string(),
        }
    )
    try:
        with tempfile.TemporaryFile() as file:  # not streamed: a Parquet file's directory is at its end
            with pq.ParquetWriter(file, schema) as writer:
                remaining = iter(rows)
                while some := list(islice(remaining, _AT_ONCE)):
                    writer.write_table(pa.Table.from_pylist([_with_pairs(row) for row in some], schema))
            file.seek(0)
            yield from iter(partial(file.read, _CHUNK), b"")
    except OSError as error:  # of a write, which does not name the file
        error.filename = error.filename or tempfile.gettempdir()
        raise


def _with_pairs(row: Row) -> Row:
    return {**row, "probabilities": list(row["probabilities"].items())} if "probabilities" in row else row
