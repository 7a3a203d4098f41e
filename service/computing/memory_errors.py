"""Memory that runs out, told by torch as Python tells it."""

from collections.abc import Iterator
from contextlib import contextmanager

_OF_TORCH = "DefaultCPUAllocator"  # torch has no exception of its own for it on the CPU


@contextmanager
def memory_errors() -> Iterator[None]:
    """Raise a MemoryError in place of the RuntimeError by which torch says that memory has run out."""
    try:
        yield
    except RuntimeError as error:
        if _OF_TORCH not in str(error):
            raise
        raise MemoryError(str(error)) from error


class ImageMemoryError(MemoryError):
    """Memory ran out while one image was read and prepared.

    Attributes:
        filename: how its row names it.
    """

    def __init__(self, filename: str) -> None:
        super().__init__(f"not enough for {filename}")
        self.filename = filename
