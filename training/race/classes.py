"""Loads the classes of a race, and checks before training that they suffice for its tasks."""

from pathlib import Path

from training.comparison.task_classes import TaskClasses, check_tasks, load_classes
from training.race.plan import Plan


def load_race_classes(plan: Plan, data_dir: Path | None, *, download: bool) -> TaskClasses:
    """Read the training and validation classes of the plan's data set; its test split is never read.

    Raises:
        DataError: if data are missing, or there are too few classes or images for the plan's tasks.
    """
    training, tasks, choice = plan.training, plan.tasks, plan.choice
    ways = max(training.ways, choice.ways)
    classes = load_classes(plan.data, plan.build_preprocessing(), ways, data_dir, download=download)
    check_tasks(classes.training, training.ways, training.shots, training.queries, "training")
    check_tasks(classes.development, choice.ways, tasks.shots, tasks.queries, "choice")
    for protocol in plan.protocols():
        check_tasks(classes.unseen, protocol.ways, protocol.shots, protocol.queries, "tasks")
    return classes
