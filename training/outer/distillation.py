"""Distillation: besides the classes, a student learns the answers of a teacher that was trained before it.

Even a teacher of the same architecture helps (born-again networks): which classes it finds similar says more
about an image than its label alone (Tian et al. 2020, section 3.3; Rajasegaran et al. 2020, section 3.2).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.learner import BODY, Learner, part
from training.outer.class_loss import class_logits

_TEMPERATURE = 4.0  # this and the share as in Tian et al. 2020
_SHARE = 0.5  # of the teacher's answers in the loss


@dataclass(frozen=True)
class Teacher:
    """A learner trained to tell the training classes apart (see ``training.run.class_teacher``).

    Attributes:
        learner: the composition, as it was during that warm-up (see ``telling_classes``).
        phi: its parameters and the centres of the classes; never written to.
    """

    learner: Learner
    phi: Params

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
