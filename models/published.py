"""The initializations published in this machine's BentoML model store."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LABELS = {"metashot": "initialization"}  # mark our models among others in the store
logger = logging.getLogger("metashot")


@dataclass(frozen=True)
class Published:
    """An initialization in the store.

    Attributes:
        name: under which it was published; its card may have another.
        version: in the store, which is the initialization's own.
        folder: holds its two files.
    """

    name: str
    version: str
    folder: Path


def published() -> list[Published]:
    """The initializations in the store, the latest last.

    An entry that cannot be read, such as an interrupted copy, is left out, and a warning names it.
    """
    ours = [model for model in _readable() if LABELS.items() <= model.info.labels.items()]
    ours.sort(key=lambda model: model.info.creation_time.timestamp())
    return [Published(model.tag.name, model.tag.version, Path(model.path)) for model in ours]


def _readable() -> Iterator[Any]:
    import bentoml  # imported here because it is slow, and commands that need no server should not wait for it
    from bentoml._internal.configuration.containers import BentoMLContainer

    try:
        store = Path(BentoMLContainer.model_store.get()._path)  # which makes it if there is none
    except OSError as error:
        logger.warning("BentoML's model store, which BENTOML_HOME names, cannot be opened: %s", error)
        return
    # Not bentoml.models.list(), which fails as a whole for one unreadable entry of any model.
    for path in sorted(store.glob("*/*/")):
        try:
            yield bentoml.models.get(bentoml.Tag(path.parent.name, path.name))
        except Exception as error:  # a half-written description raises almost anything
            logger.warning("left out %s of the model store, which cannot be read: %s", path, error)
