"""The SQLite file under DATA_DIR: how connections behave and how transactions begin."""

import errno
import fcntl
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Executable, create_engine, event, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session

from service.settings import MEBIBYTE, SettingsError
from service.store.reserve import Reserve
from service.store.schema_changes import SCHEMA_CHANGES
from service.store.tables import Table

Result = TypeVar("Result")
FILE = "metashot.sqlite3"
_OPENING, _RESERVE = "metashot.opening", "metashot.reserve"
SCHEMA = 1 + len(SCHEMA_CHANGES)
_BUSY_MS = 20_000
LOG_BYTES = 8 * MEBIBYTE  # of the write-ahead log, which a large change makes larger until the next one
OUT_OF_REACH = (OperationalError, NoConnection, sqlite3.OperationalError)  # these may pass by themselves
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_UNREACHABLE = "unable to open database file"  # as SQLite says it
_NO_ROOM_FOR_INDEX = "SQLITE_IOERR_SHMSIZE"  # of the write-ahead log


class Database:
    """Sessions for reading (one snapshot) and for writing (exclusive from their first statement).

    Raises:
        SettingsError: if ``data_dir`` cannot be written to, is full, or holds no store that this release reads.
    """

    def __init__(self, data_dir: Path) -> None:
        self._reserve = Reserve(data_dir / _RESERVE)
        try:
            with self._reserve.released():  # opening rebuilds the log's index, which takes room
                self._open(data_dir)
        except (OSError, sqlite3.Error, SQLAlchemyError) as error:
            if is_full(error):
                full = f"the disk of DATA_DIR={data_dir} is full; make room there and start again"
                raise SettingsError(full) from error
            remedy = "name a folder that can be written to, or in which such a store lies"
            cause = getattr(error, "orig", error)
            raise SettingsError(f"DATA_DIR={data_dir} holds no usable store ({cause}); {remedy}") from error

    def _open(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._engine = _engine(data_dir / FILE, "BEGIN")
        # With a pool of its own, as writers wait for each other. IMMEDIATE, as a transaction that reads first and
        # writes later fails if another one wrote in between.
        self._writer = _engine(data_dir / FILE, "BEGIN IMMEDIATE")
        # Outside the pools, for which callers may have to wait.
        self._rows = sqlite3.connect(data_dir / FILE, check_same_thread=False)
        _configure(self._rows)
        self._rows_lock = threading.Lock()
        with _alone(data_dir / _OPENING):
            self._prepare(data_dir / FILE)
        self._file = (data_dir / FILE).absolute()
        self._opened = _identity(self._file)

    def _prepare(self, file: Path) -> None:
        if self.row("PRAGMA page_count") == (0,):  # later, it would have no effect; for ``Shrinking``
            self.row("PRAGMA auto_vacuum=INCREMENTAL")
        # The file keeps the mode. SQLite refuses at once, despite busy_timeout, while another connection writes.
        self.row("PRAGMA journal_mode=WAL")
        with self._writer.begin() as connection:
            found = int(connection.execute(text("PRAGMA user_version")).scalar_one())
            if not 0 <= found <= SCHEMA:
                raise SettingsError(
                    f"{file} is of schema {found}, this release reads up to {SCHEMA}; "
                    "name another DATA_DIR or install the release that wrote it"
                )
            if found == SCHEMA:  # nothing is written: an existing store must open on a full disk, too
                return
            if found == 0:
                Table.metadata.create_all(connection)
            else:
                for statement in chain.from_iterable(SCHEMA_CHANGES[found - 1 :]):
                    connection.execute(text(statement))
            connection.execute(text(f"PRAGMA user_version = {SCHEMA}"))

    @property
    def in_place(self) -> bool:
        """Whether the file that is open still lies in DATA_DIR: otherwise changes would be lost with it."""
        try:
            return _identity(self._file) == self._opened
        except OSError:
            return False

    def check_place(self) -> None:
        """Raise an OperationalError, as SQLite does for new connections, unless the store is in place."""
        if not self.in_place:
            raise sqlite3.OperationalError(_UNREACHABLE)

    def reading(self) -> Session:
        """Open a session that sees one state of the store."""
        self.check_place()
        return Session(self._engine)

    def writing(self) -> Session:
        """Open a session that takes the store's write lock; commit with ``session.commit()``."""
        self.check_place()
        self._reserve.hold()  # deletions may have used it up
        return Session(self._writer, expire_on_commit=False)

    def freeing(self, statement: Executable) -> Any:
        """Execute and commit a statement that frees room; give the first value that it returns, or None.

        On a full disk it is tried again with the room reserved for deletions.
        """
        return self.freeing_by(lambda connection: connection.execute(statement).scalar())

    def freeing_by(self, work: Callable[[Connection], Result]) -> Result:
        """Do and commit work that frees room, as ``freeing`` does."""
        try:
            with self.writing() as session:
                found = work(session.connection())
                session.commit()
                return found
        except OUT_OF_REACH as error:
            if not is_full(error):
                raise
        with self._reserve.released(), self._writer.connect() as connection:
            connection.detach()  # from the pool, so that the pragmas end with it
            # Some builds of SQLite overwrite deleted data with zeros, which would take as much room again.
            connection.exec_driver_sql("PRAGMA secure_delete=FAST")
            # By itself, SQLite would bring the log into the file as far as there is room, and leave none.
            connection.exec_driver_sql("PRAGMA wal_autocheckpoint=0")
            found = work(connection)
            connection.commit()
            with suppress(OSError, *OUT_OF_REACH):  # the work is done, whatever becomes of the log
                if self._has_room_for_log():
                    self.checkpoint()
            return found

    def _has_room_for_log(self) -> bool:
        """Whether all that the write-ahead log adds to the file fits on the disk."""
        (whole,) = self.row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size") or (0,)
        return int(whole) - self._file.stat().st_size <= shutil.disk_usage(self._file.parent).free

    def checkpoint(self) -> None:
        """Bring the write-ahead log's pages into the file, as far as nobody has to wait for that."""
        connection = self._engine.raw_connection()  # as it cannot be done within a transaction
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        finally:
            connection.close()

    def row(self, statement: str, *values: str) -> tuple[Any, ...] | None:
        """Read the first row by the bare driver: in microseconds, even while another connection writes."""
        with self._rows_lock:
            found: list[tuple[Any, ...]] = self._rows.execute(statement, values).fetchall()
        return found[0] if found else None

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
        self._writer.dispose()
        self._rows.close()


def is_full(error: BaseException) -> bool:
    """Whether an error came from a full disk."""
    cause = getattr(error, "orig", error)
    if isinstance(cause, OSError):
        return cause.errno in _NO_ROOM
    return "disk is full" in str(cause) or getattr(cause, "sqlite_errorname", "") == _NO_ROOM_FOR_INDEX


def is_unreachable(error: BaseException) -> bool:
    """Whether an error came from a store that cannot be opened, be it moved away or for want of file handles."""
    return _UNREACHABLE in str(error)


def _identity(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_dev, found.st_ino


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process is opening this store: several may meet at a new DATA_DIR."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _engine(file: Path, begin: str) -> Engine:
    """Make connections to a store, whose transactions begin by a statement."""
    engine = create_engine(URL.create("sqlite", database=str(file)))
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _configure(connection: Any, _record: object = None) -> None:
    connection.isolation_level = None  # transactions begin where _engine says, not where sqlite3 guesses
    # FULL, so that what callers were told has reached the disk.
    given = (f"busy_timeout={_BUSY_MS}", "foreign_keys=ON", "synchronous=FULL", f"journal_size_limit={LOG_BYTES}")
    for pragma in given:
        connection.execute(f"PRAGMA {pragma}")
