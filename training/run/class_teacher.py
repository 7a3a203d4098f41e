"""The teacher of a warm-up that tells classes apart: what an earlier run on the same classes ended with."""

from pathlib import Path

import torch

from models.initialization import learner_from_dict
from training.outer.class_loss import CENTRES, telling_classes
from training.outer.distillation import Teacher
from training.recipe import Recipe, RecipeError
from training.run.checkpoint import CHECKPOINT, read_phi


def class_teacher(student: Recipe, classes: int, device: torch.device) -> Teacher | None:
    """Load the run that a recipe names as its teacher, from its last checkpoint; None if it names none.

    Args:
        student: the student's recipe.
        classes: number of classes that the student learns to tell apart.
        device: where the teacher computes.

    Raises:
        RecipeError: if there is no such run, or it was not trained to tell the same classes of the same images
            apart.
        CheckpointError: if its checkpoint is damaged or of another version.
    """
    if not student.outer.teacher:
        return None
    path = Path(student.outer.teacher) / CHECKPOINT
    if not path.is_file():
        raise RecipeError(f"outer.teacher: {path} is missing; name the folder of a run (its --out)")
    phi, recipe = read_phi(path)
    mine = student.as_dict()
    if differing := [key for key in ("data", "preprocessing") if recipe.get(key) != mine[key]]:
        raise RecipeError(
            f"outer.teacher: the run of {path} differs in {' and '.join(differing)}: teacher and student "
            "must see the same images of the same classes"
        )
    if CENTRES not in phi or len(phi[CENTRES]) != classes:
        raise RecipeError(
            f"outer.teacher: the run of {path} was not trained to tell these {classes} classes apart: it "
            "takes outer.warm_up_loss classes, and the same data"
        )
    learner = telling_classes(learner_from_dict(recipe["learner"]))
    return Teacher(learner, {name: value.to(device) for name, value in phi.items()})
