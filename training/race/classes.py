"""The classes of a race, and whether there are enough for its tasks before anything is trained."""

from pathlib import Path

from training.comparison.task_classes import TaskClasses, load_classes
from training.datasets.class_images import ClassImages, DataError
from training.race.plan import Plan
from training.tasks.episodes import EpisodeSampler


def load_race_classes(plan: Plan, data_dir: Path | None, *, download: bool) -> TaskClasses:
    """Read training and validation classes of the plan's data set; its test split stays closed.

    Raises:
        DataError: where data lack, or too few classes or images for the plan's tasks.
    """
    training, tasks, choice = plan.training, plan.tasks, plan.choice
    ways = max(training.ways, choice.ways)
    classes = load_classes(plan.data, plan.build_preprocessing(), ways, data_dir, download=download)
    _check(classes.training, training.ways, training.shots, training.queries, "training")
    _check(classes.development, choice.ways, tasks.shots, tasks.queries, "choice")
    for protocol in plan.protocols():
        _check(classes.unseen, protocol.ways, protocol.shots, protocol.queries, "tasks")
    return classes


def _check(classes: ClassImages, ways: int, shots: int, queries: int, key: str) -> None:
    try:
        EpisodeSampler(classes, ways=ways, shots=shots, queries=queries, seed=0)
    except DataError as error:
        raise DataError(f"{error} (the plan's {key}, which --set {key}.ways=... and the like change)") from error
