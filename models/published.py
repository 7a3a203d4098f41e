"""What is published in the BentoML model store of this machine."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LABELS = {"metashot": "initialization"}  # that tell ours from other models
logger = logging.getLogger("metashot")


@dataclass(frozen=True)
class Published:
    """An initialization in the store.

    Attributes:
        name: as it was published, not as on its card.
        version: of the store, which is the initialization's.
        folder: with its two files.
    """

    name: str
    version: str
    folder: Path


def published() -> list[Published]:
    """The initializations in the store, the latest last.

    An entry that the store cannot read, as an interrupted copy leaves it, is left out, and the log names it.
    """
    ours = [model for model in _readable() if LABELS.items() <= model.info.labels.items()]
    ours.sort(key=lambda model: model.info.creation_time.timestamp())
    return [Published(model.tag.name, model.tag.version, Path(model.path)) for model in ours]


def _readable() -> Iterator[Any]:
    import bentoml  # here, because the commands that need no server should not wait for it
    from bentoml._internal.configuration.containers import BentoMLContainer

    # Not bentoml.models.list(), which one such entry, of whatever model, spoils for all.
    for path in sorted(Path(BentoMLContainer.model_store.get()._path).glob("*/*/")):
        try:
            yield bentoml.models.get(bentoml.Tag(path.parent.name, path.name))
        except Exception as error:  # of a half-written description almost anything
            logger.warning("left out %s of the model store, which cannot be read: %s", path, error)
