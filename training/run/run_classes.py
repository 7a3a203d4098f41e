"""The classes of a run: those it trains on, turned and mirrored copies of them, and those that choose phi."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models.images.preprocessing import Preprocessing
from training.datasets.class_images import ClassImages
from training.datasets.registry import load_known_and_unseen
from training.recipe import Data
from training.tasks.augmentation import with_copies

_VALIDATION_STROKES = 200
_NAMED = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunClasses:
    """Classes by their purpose.

    Attributes:
        training: the training classes of the data set.
        episodes: classes of the training tasks: those, and turned and mirrored ones if the recipe wants them.
        validation: classes of the tasks that choose phi.
    """

    training: ClassImages
    episodes: ClassImages
    validation: ClassImages


def load_classes(
    data: Data, preprocessing: Preprocessing, *, data_dir: Path | None = None, download: bool = False
) -> RunClasses:
    """Read what a recipe's ``data`` names, and warn if validation classes may also be training classes.

    Args:
        data: of the recipe.
        preprocessing: from image to levels.
        data_dir: where data sets are; by default the environment variable METASHOT_DATA.
        download: fetch the data set if it is missing and can be fetched.

    Raises:
        DataError: if data are missing; the message says what to put where.
    """
    training, validation = load_known_and_unseen(
        data.name,
        preprocessing=preprocessing,
        data_dir=data_dir,
        seed=data.seed,
        download=download,
        classes=(data.classes, _VALIDATION_STROKES),
    )
    trained = frozenset(training.classes)
    if shared := [name for name in validation.classes if name in trained]:
        _log.warning(
            "%d of %d validation classes %s, for example %r: where they are "
            "the same, all that is told of unseen classes is of seen ones; folders train, val and test divide "
            "classes, not each class's images",
            len(shared),
            len(validation.classes),
            "has the name of a training class" if len(shared) == 1 else "have names of training classes",
            shared[0],
        )
    if data.name == "folder":  # other data sets have fixed splits
        _warn_of_same_images(training, validation)
    episodes = with_copies(training, rotations=data.rotations, reflections=data.reflections)
    return RunClasses(training, episodes, validation)


def _warn_of_same_images(training: ClassImages, validation: ClassImages) -> None:
    """Warn if images, copied or linked under another class name, are on both sides of the split."""
    trained = dict(_named_digests(training))
    same = [(name, trained[digest]) for digest, name in _named_digests(validation) if digest in trained]
    if same:
        named = list(dict.fromkeys(f"{name!r} and {of!r}" for name, of in same))
        _log.warning(
            "%s as well, of %s%s: where these are the same classes, all "
            "that is told of unseen classes is of seen ones; keep each class in one folder",
            "1 validation image is a training image"
            if len(same) == 1
            else f"{len(same)} validation images are training images",
            ", ".join(named[:_NAMED]),
            f" and {len(named) - _NAMED} more" if len(named) > _NAMED else "",
        )


def _named_digests(classes: ClassImages) -> Iterator[tuple[bytes, str]]:
    """The sha256 of each image's levels, and the name of its class."""
    for index, name in enumerate(classes.classes):
        for image in classes.of_class(index).contiguous().numpy():
            yield hashlib.sha256(image.data).digest(), name
