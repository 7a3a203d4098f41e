"""Initializations as users name them: a shipped or published one by its name, any other by its folder."""

from dataclasses import replace
from pathlib import Path

from models.initialization import CARD, Initialization, InitializationError, load, shipped
from models.published import published


def folder_of(name: str, *, else_known: str = "") -> Path:
    """Find the folder of an initialization.

    Args:
        name: of a shipped one, or the path of a folder.
        else_known: what else the user may name, appended to the message.

    Raises:
        InitializationError: if there is none; the message lists the shipped ones, or names the folder within a
            run's.
    """
    folder = shipped().get(name, Path(name))
    if (folder / CARD).exists():
        return folder
    inner = folder / "initialization"  # where a run leaves it
    meant = f"; did you mean {inner}?" if (inner / CARD).exists() else ""
    raise InitializationError(
        f"{name!r} is neither a shipped initialization ({', '.join(shipped())}) nor a folder with a "
        f"{CARD}{else_known}{meant}"
    )


def find(name: str) -> Initialization:
    """Load an initialization by folder, or by the name of a shipped or published one, then its latest version.

    Raises:
        InitializationError: if there is none, or it is not usable.
    """
    try:
        folder = folder_of(name, else_known=", nor is one published by that name")
    except InitializationError:
        # Last, as looking into the model store takes seconds; its names are lower-case.
        stored = [one for one in published() if one.name == name.lower()]
        if not stored:
            raise
        return replace(load(stored[-1].folder), name=stored[-1].name)
    return load(folder)
