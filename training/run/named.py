"""Initializations as users name them: a shipped one by its name, any other by its folder."""

from pathlib import Path

from models.initialization import CARD, Initialization, InitializationError, load, shipped


def folder_of(name: str, *, else_known: str = "") -> Path:
    """Find the folder of an initialization.

    Args:
        name: of a shipped one, or the path of a folder.
        else_known: what else the user may name, appended to the message.

    Raises:
        InitializationError: if there is none; the message lists the shipped ones.
    """
    folder = shipped().get(name, Path(name))
    if not (folder / CARD).exists():
        raise InitializationError(
            f"{name!r} is neither a shipped initialization ({', '.join(shipped())}) nor a folder with a "
            f"{CARD}{else_known}"
        )
    return folder


def find(name: str) -> Initialization:
    """Load an initialization by folder, or by the name of a shipped one.

    Raises:
        InitializationError: if there is none, or it is not usable.
    """
    return load(folder_of(name))
