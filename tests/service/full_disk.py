"""A disk that is full, as the store meets it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

FULL = sqlite3.OperationalError("database or disk is full")


@contextmanager
def full_disk(kept: Path | None, refused: tuple[str, ...] = ("INSERT", "UPDATE", "DELETE")) -> Iterator[None]:
    """Let statements that begin so fail for as long as the file that keeps room is there, or always."""

    def refuse(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(refused) and (kept is None or kept.exists()):
            raise FULL

    event.listen(Engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", refuse)
