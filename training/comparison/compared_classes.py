"""Loads the classes of a comparison, and checks before training that they suffice for its tasks."""

from pathlib import Path

from training.comparison.plan import Plan
from training.comparison.task_classes import TaskClasses, check_tasks, load_classes


def load_compared_classes(plan: Plan, data_dir: Path | None, *, download: bool) -> TaskClasses:
    """Read the training and validation classes of the plan's data set; its test split is never read.

    Raises:
        DataError: if data are missing, or there are too few classes or images for the plan's tasks.
    """
    training, tasks = plan.training, plan.tasks
    classes = load_classes(plan.data, plan.build_preprocessing(), tasks.ways, data_dir, download=download)
    check_tasks(classes.training, tasks.ways, training.shots, training.queries, "training")
    # Tasks of training classes are measured as well, to compare known classes with unseen ones.
    check_tasks(classes.training, tasks.ways, max(tasks.compared_shots), tasks.queries, "tasks")
    check_tasks(classes.development, tasks.ways, max(*tasks.shots, training.shots), tasks.queries, "tasks")
    check_tasks(classes.unseen, tasks.ways, max(tasks.shots), tasks.queries, "tasks")
    return classes
