"""The classes of a comparison, and whether they have enough images for its tasks before anything is trained."""

from pathlib import Path

from training.comparison.plan import Plan
from training.comparison.task_classes import TaskClasses, check_tasks, load_classes


def load_compared_classes(plan: Plan, data_dir: Path | None, *, download: bool) -> TaskClasses:
    """Read training and validation classes of the plan's data set; its test split stays closed.

    Raises:
        DataError: where data lack, or too few classes or images for the plan's tasks.
    """
    training, tasks = plan.training, plan.tasks
    classes = load_classes(plan.data, plan.build_preprocessing(), tasks.ways, data_dir, download=download)
    check_tasks(classes.training, tasks.ways, training.shots, training.queries, "training")
    # Whose tasks are measured as well, to set known classes beside unseen ones.
    check_tasks(classes.training, tasks.ways, max(tasks.compared_shots), tasks.queries, "tasks")
    check_tasks(classes.development, tasks.ways, max(*tasks.shots, training.shots), tasks.queries, "tasks")
    check_tasks(classes.unseen, tasks.ways, max(tasks.shots), tasks.queries, "tasks")
    return classes
