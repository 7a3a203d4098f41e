"""Distillation: besides the classes, a student learns the answers of a teacher that was trained before it.

Even a teacher of the same architecture helps (born-again networks): which classes it finds similar says more
about an image than its label alone (Tian et al. 2020, section 3.3; Rajasegaran et al. 2020, section 3.2).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.initialization import learner_from_dict
from models.learner import BODY, Learner, part
from training.outer.class_loss import CENTRES, class_logits, telling_classes
from training.recipe import Recipe, RecipeError
from training.run.checkpoint import CHECKPOINT, read_phi

_TEMPERATURE = 4.0  # this and the share as in Tian et al. 2020
_SHARE = 0.5  # of the teacher's answers in the loss


@dataclass(frozen=True)
class Teacher:
    """A learner trained to tell the training classes apart, as a run's last checkpoint holds it.

    Attributes:
        learner: the composition, as it was during that warm-up (see ``telling_classes``).
        phi: its parameters and the centres of the classes; never written to.
    """

    learner: Learner
    phi: Params

    @classmethod
    def of(cls, student: Recipe, classes: int, device: torch.device) -> Self | None:
        """Load the run that a recipe names as its teacher; None if it names none.

        Args:
            student: the student's recipe.
            classes: number of classes that the student learns to tell apart.
            device: where the teacher computes.

        Raises:
            RecipeError: if there is no such run, or it was not trained to tell the same classes of the same
                images apart.
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
        return cls(learner, {name: value.to(device) for name, value in phi.items()})

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Logits ``[M, K]`` of images ``[M, C, H, W]`` over the training classes."""
        features, _ = self.learner.backbone(part(self.phi, BODY), images[None])
        return class_logits(self.learner, self.phi, features[0])


def distilled(loss: Tensor, logits: Tensor, of_teacher: Tensor) -> Tensor:
    """Average the class loss and the divergence from the teacher's answers (Tian et al. 2020, eq. 5).

    Args:
        loss: the loss over class labels.
        logits: the student's, ``[M, K]``.
        of_teacher: the teacher's, ``[M, K]``.
    """
    mine, wanted = (torch.log_softmax(one.float() / _TEMPERATURE, 1) for one in (logits, of_teacher))
    divergence = torch.nn.functional.kl_div(mine, wanted, reduction="batchmean", log_target=True)
    # Softening shrinks the gradients by the square of the temperature (Hinton et al. 2015, section 2).
    return (1 - _SHARE) * loss + _SHARE * _TEMPERATURE**2 * divergence
