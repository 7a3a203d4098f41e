"""The classes of a run: which it trains on, what else is made of them, and which choose phi."""

import logging
from dataclasses import dataclass
from pathlib import Path

from models.images.preprocessing import Preprocessing
from training.datasets.class_images import ClassImages
from training.datasets.registry import load_split
from training.recipe import Data
from training.tasks.augmentation import with_reflections, with_rotations

_VALIDATION_STROKES = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunClasses:
    """Classes by what they are for.

    Attributes:
        training: as the data set has them.
        episodes: of the training tasks: those, and the turned and mirrored ones where the recipe wants them.
        validation: of the tasks that choose phi.
    """

    training: ClassImages
    episodes: ClassImages
    validation: ClassImages


def load_classes(
    data: Data, preprocessing: Preprocessing, *, data_dir: Path | None = None, download: bool = False
) -> RunClasses:
    """Read what a recipe's ``data`` names; a warning tells where validation classes may be training classes.

    Args:
        data: of the recipe.
        preprocessing: from image to levels.
        data_dir: where data sets lie; by default METASHOT_DATA.
        download: fetch the data set where it is not there and can be fetched.

    Raises:
        DataError: where data lack, with what to put where.
    """

    def split(name: str, classes: int) -> ClassImages:
        return load_split(
            data.name,
            name,
            preprocessing=preprocessing,
            data_dir=data_dir,
            seed=data.seed,
            download=download,
            classes=classes,
        )

    training, validation = split("train", data.classes), split("validation", _VALIDATION_STROKES)
    trained = frozenset(training.classes)
    if shared := [name for name in validation.classes if name in trained]:
        _log.warning(
            "%d of %d validation classes have names of training classes, for example %r: where they are "
            "the same, all that is told of unseen classes is of seen ones; folders train, val and test divide "
            "classes, not each class's images",
            len(shared),
            len(validation.classes),
            shared[0],
        )
    episodes = with_rotations(training) if data.rotations else training
    return RunClasses(training, with_reflections(episodes) if data.reflections else episodes, validation)
