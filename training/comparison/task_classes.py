"""Which classes are for training, which for choosing, and which for reporting."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.images.preprocessing import Preprocessing
from training.comparison.plan import Source
from training.datasets.class_images import ClassImages, DataError
from training.datasets.registry import load_known_and_unseen
from training.datasets.splits import shuffled
from training.tasks.episodes import EpisodeSampler


@dataclass(frozen=True)
class TaskClasses:
    """Three disjoint sets of classes.

    Attributes:
        training: ordered, because smaller sets are taken from its beginning: the first 25 are among the first 50.
        development: those on whose tasks checkpoints, rates, numbers of steps and penalties are chosen.
        unseen: those reported on; nothing is chosen on them.
    """

    training: ClassImages
    development: ClassImages
    unseen: ClassImages

    def first(self, count: int) -> ClassImages:
        """The first ``count`` training classes."""
        return self.training.subset(range(count))

    def facts(self) -> dict[str, int]:
        """The number of classes in each set, for the protocol."""
        return {
            "training_classes": len(self.training),
            "development_classes": len(self.development),
            "unseen_classes": len(self.unseen),
        }

    @property
    def digest(self) -> str:
        """The digests of all three sets, which tell whether a later run has the same data."""
        return " ".join(one.digest for one in (self.training, self.development, self.unseen))

    def counts(self, wanted: Sequence[int]) -> tuple[int, ...]:
        """The wanted numbers that are less than that of all training classes, and the latter, in rising order."""
        return (*sorted(count for count in set(wanted) if count < len(self.training)), len(self.training))


def load_classes(
    source: Source, preprocessing: Preprocessing, ways: int, data_dir: Path | None, *, download: bool
) -> TaskClasses:
    """Read the training and validation classes of a plan's data set; its test split is never read.

    Args:
        source: where the plan takes classes from.
        preprocessing: from image to levels.
        ways: classes of a task, for training and development classes.
        data_dir: as for ``training.datasets.registry.load_split``; None for METASHOT_DATA.
        download: whether to fetch a data set that is missing, if it can be fetched.

    Raises:
        DataError: if data are missing, or too few classes are left to train on or to choose on.
    """
    known, unseen = load_known_and_unseen(
        source.name,
        preprocessing=preprocessing,
        data_dir=data_dir,
        seed=source.seed,
        download=download,
        classes=(source.strokes, source.unseen_strokes),
    )
    if len(known) < source.development + ways or source.development < ways:
        raise DataError(
            f"{source.name} has {len(known)} training classes, of which data.development takes "
            f"{source.development}: it and what is left must be at least {ways} each, the ways of a task"
        )
    places = {name: place for place, name in enumerate(known.classes)}
    order = [places[name] for name in shuffled(known.classes, source.seed)]
    return TaskClasses(
        training=known.subset(order[source.development :]),
        development=known.subset(order[: source.development]),
        unseen=unseen,
    )


def check_tasks(classes: ClassImages, ways: int, shots: int, queries: int, key: str) -> None:
    """Check that there are enough classes and images to draw tasks from.

    Args:
        classes: to draw from.
        ways: classes of a task.
        shots: support examples of a class.
        queries: query examples of a class.
        key: the plan's key that asks for such tasks, for messages.

    Raises:
        DataError: if classes or images do not suffice.
    """
    try:
        EpisodeSampler(classes, ways=ways, shots=shots, queries=queries, seed=0)
    except DataError as error:
        raise DataError(f"{error} (the plan's {key}, which --set {key}.ways=... and the like change)") from error
