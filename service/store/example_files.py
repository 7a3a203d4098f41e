"""The files of stored examples as callers get them: piece by piece, as whoever reads slowly must hold no more."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from service.problems import not_found
from service.store.database import Database
from service.store.tables import ExampleRow

PIECE_BYTES = 256 * 1024
_AT_ONCE = 4  # a page asks for hundreds, and other reads need threads, too


@dataclass(frozen=True)
class ExampleFile:
    """A stored example's file, yet to be read."""

    id: str
    filename: str
    sha256: str
    size: int


class ExampleFiles:
    """Finds and reads files. Nothing is held from one piece to the next."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def find(self, task_id: str, example_id: str) -> ExampleFile:
        """Find a task's example; raises a 404 Problem. Quick enough for the event loop's thread."""
        columns = "examples.id, filename, sha256, size"
        of_task = "examples JOIN tasks ON tasks.number = task_number"
        statement = f"SELECT {columns} FROM {of_task} WHERE tasks.id = ? AND examples.id = ?"
        row = self._database.row(statement, task_id, example_id)
        if row is None:
            raise not_found("example", example_id)
        return ExampleFile(*row)

    async def piece(self, file: ExampleFile, offset: int) -> bytes:
        """Read at most ``PIECE_BYTES`` from an offset; raises a 404 Problem if the example is gone by now."""
        async with self._turns:
            return await run_in_threadpool(self._read, file.id, offset)

    def _read(self, example_id: str, offset: int) -> bytes:
        with self._database.reading() as session:
            # By its id each time: the number of a deleted example may be another one's by now.
            number = session.scalar(select(ExampleRow.number).where(ExampleRow.id == example_id))
            if number is None:
                raise not_found("example", example_id)
            driver = session.connection().connection.driver_connection
            assert driver is not None
            with driver.blobopen("examples", "content", number, readonly=True) as content:
                content.seek(offset)
                piece: bytes = content.read(PIECE_BYTES)
                return piece
