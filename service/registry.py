"""The initializations that the service offers, and the choice among them."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from models.choice import AUTO
from models.initialization import CARD, Initialization, InitializationError, load, shipped
from models.published import published
from service.problems import Problem
from service.settings import INITIALIZATIONS
from service.uploads.labels import clean_text

logger = logging.getLogger("metashot")


def check_kept(asked: str, kept: str) -> None:
    """Refuse a ``model`` field that is neither ``auto`` nor the model of a kept task.

    Raises:
        Problem: 422, naming both.
    """
    if asked not in (AUTO, kept):
        raise Problem(422, f"the task's model is {kept}, not {asked!r}; make another task for it", field="model")


class Registry:
    """Loaded initializations by name and version; read-only once made.

    Of several versions under one name, the one added last serves new tasks; the others stay for the tasks that
    were made with them.
    """

    def __init__(self, initializations: Sequence[Initialization]) -> None:
        self._by_version = {(one.name, one.version): one for one in initializations}
        self._renamed = {one.version: one for one in initializations}
        self._by_name = {one.name: one for one in initializations}

    @property
    def offered(self) -> list[Initialization]:
        """One initialization per name, sorted by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    def candidates(self, model: str) -> list[Initialization]:
        """Find the initializations that may answer a caller: the one named, or all on offer for ``auto``.

        They come in the order in which their names were first found, shipped ones first. Where nothing else
        decides, the first is chosen: a published one must not take tasks from a shipped one without a reason.

        Raises:
            Problem: 422 for an unknown name, 503 where none is offered at all.
        """
        if not self._by_name:
            raise Problem(503, "no initialization is offered; publish one or put its folder under DATA_DIR")
        if model != AUTO:
            if model not in self._by_name:
                names = ", ".join([AUTO, *sorted(self._by_name)])
                raise Problem(422, f"there is no model {model!r}; known are {names}", field="model")
            return [self._by_name[model]]
        return list(self._by_name.values())

    def candidates_again(self, name: str, version: str) -> list[Initialization]:
        """Find the candidates of ``auto`` for a changed task; under the name that it had, the same version stays.

        Raises:
            Problem: 503 where none is offered at all.
        """
        own = self._by_version.get((name, version))
        return [own if own is not None and one.name == name else one for one in self.candidates(AUTO)]

    def kept(self, name: str, version: str) -> Initialization:
        """Find the initialization that a kept task was made with, or else the current one of that name.

        The same version under another name also serves, as its answers are the same: a folder may be renamed.

        Raises:
            Problem: 409 if none has that version or name any more.
        """
        found = self._by_version.get((name, version)) or self._renamed.get(version) or self._by_name.get(name)
        if found is None:
            raise Problem(
                409,
                f"the task was made with {name}, which is no longer offered; put its folder back as "
                f"DATA_DIR/initializations/{name} and restart, or make the task again; where auto chose the "
                "model, it also chooses another as soon as the task's examples change",
                title="Initialization gone",
            )
        return found


def open_registry(data_dir: Path) -> Registry:
    """Load the shipped initializations, the published ones, and those in ``data_dir/initializations``.

    Each is offered under the name of its folder, or of its entry in the model store; the name on its card is its
    recipe's, shared by all of that recipe. If a name comes again, in this order, the later one serves new tasks.
    A published one of a shipped name, though, serves only tasks that were made with it: in training, too, that
    name means the shipped one. A folder that is no sound initialization is left out, and the log says why.
    """
    loaded = []
    for name, folder in _folders(data_dir):
        try:
            loaded.append(_named(name, folder))
        except InitializationError as error:
            logger.error("left out an initialization: %s", error)
        else:
            if name in shipped() and folder.parent == data_dir / INITIALIZATIONS:
                logger.warning("%s takes the place of the shipped %s", folder, name)
    return Registry(loaded)


def _folders(data_dir: Path) -> Iterator[tuple[str, Path]]:
    """Pairs of the name to offer and the folder."""
    ships, stored = shipped(), published()
    for name, folder in ships.items():
        for one in stored:
            if one.name == name:  # of a version whose `publish` took shipped names
                logger.warning(
                    "%s:%s of the model store has the name of a shipped initialization, and serves only tasks "
                    "that were made with it; for new ones, publish it under another name",
                    one.name,
                    one.version,
                )
                yield name, one.folder
        yield name, folder
    for one in stored:
        if one.name not in ships:
            yield one.name, one.folder
    for folder in _own(data_dir / INITIALIZATIONS):
        yield folder.name, folder


def _own(root: Path) -> list[Path]:
    """All of the user's own folders, hidden ones only with a card: others are of systems and copying tools."""
    try:
        folders = sorted(one for one in root.iterdir() if one.is_dir())
        return [one for one in folders if _has_card(one) or not one.name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as error:
        logger.error("left out all of %s: %s", root, error.strerror)
        return []


def _has_card(folder: Path) -> bool:
    try:
        return (folder / CARD).exists()
    except OSError:  # another user's, which `load` tells
        return False


def _named(name: str, folder: Path) -> Initialization:
    try:
        name = clean_text(name, field="model", what="name")
    except Problem as problem:
        raise InitializationError(f"{str(folder)!a}: {problem}; rename the folder") from None
    if name == AUTO:
        raise InitializationError(f"{folder}: by {AUTO!r} the service chooses among all; rename the folder")
    inner = folder / "initialization"  # where a run leaves it
    if not _has_card(folder) and _has_card(inner):
        raise InitializationError(f"{folder} is a whole run: put its folder {inner} in its place")
    return replace(load(folder), name=name)
