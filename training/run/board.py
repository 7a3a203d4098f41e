"""A run's figures for TensorBoard, each written at once; a full disk stops no training."""

import errno
import logging
import os
import socket
import time
from io import BytesIO, FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

_log = logging.getLogger(__name__)


class Board:
    """Appends figures to a file of events in a run's folder.

    torch's ``SummaryWriter`` would end the run, with the trace of a thread of its own, if it cannot write them.
    """

    def __init__(self, folder: Path, *, first: int) -> None:
        """Name the file, which the first figure makes.

        Args:
            folder: of the run.
            first: number of the first step to come; of it and of later ones, readers drop what earlier sittings
                wrote.
        """
        sitting = f"{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}"
        self.path = folder / f"events.out.tfevents.{sitting}"
        self._first = first
        self._file: FileIO | None = None
        self._failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add_scalar(self, name: str, value: float, step: int) -> None:
        """Write one figure; where that fails, leave it out, and say so the first time."""
        scalar = Summary(value=[Summary.Value(tag=name, simple_value=value)])
        try:
            if self._file is None:
                self._file = self._opened()
            _append(self._file, Event(wall_time=time.time(), step=step, summary=scalar))
        except OSError as error:
            if not self._failed:
                lost = "training goes on without these figures"
                _log.warning("%s cannot be written (%s); %s", self.path, error, lost)
            self._failed = True

    def _opened(self) -> FileIO:
        file = FileIO(self.path, "a")
        try:
            _append(
                file,
                Event(wall_time=time.time(), step=self._first, file_version="brain.Event:2"),
                Event(wall_time=time.time(), step=self._first, session_log=SessionLog(status=SessionLog.START)),
            )
        except OSError:
            file.close()
            raise
        return file


def _append(file: FileIO, *events: Event) -> None:
    """Append events, all or none: readers go no further than half of one."""
    records = BytesIO()
    for event in events:
        RecordWriter(records).write(event.SerializeToString())
    before = file.seek(0, os.SEEK_END)
    try:
        if file.write(records.getvalue()) < records.tell():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        file.truncate(before)
        raise
