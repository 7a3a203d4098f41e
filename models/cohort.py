"""What queries are compared with to recognise unknown items: the means of the task's classes and of others."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from models import class_scatter
from models.backbones.backbone import Params
from models.heads import Head, prototypes
from models.support import Support


@dataclass(frozen=True)
class Cohort:
    """Gives features and class means the form in which they are compared.

    If the head is ``lda`` with the same metric for any number of shots, they are compared in that metric, and the
    class means are those that the head uses. Otherwise, features are compared as they are, and with plain class
    means: a metric that depends on the shots is almost Euclidean at one shot, and the thresholds on the cards of
    such heads were fitted to this plain comparison.

    Attributes:
        head: the head whose metric is used.
        phi: the head's part of phi, or at least the tensors of ``models.class_scatter`` in it.
    """

    head: Head
    phi: Params

    @cached_property
    def strangers(self) -> Tensor | None:
        """Means ``[K, D]`` of training classes, mapped by ``seen``; None if the head keeps none."""
        kept = self.phi.get(class_scatter.STRANGERS)
        return None if kept is None else self.seen(kept)

    def seen(self, features: Tensor) -> Tensor:
        """Map features ``[..., D]`` to where they are compared, by plain cosines."""
        return class_scatter.seen(self.phi, features, self.head.shrinkage) if self._measures else features

    def means(self, features: Tensor, support: Support) -> Tensor:
        """Class means ``[T, N, D]`` of support features ``[T, S, D]``, mapped by ``seen``."""
        if not self._measures:
            return prototypes(features, support)
        return self.seen(self.head.centres(self.phi, features, support))

    @property
    def _measures(self) -> bool:
        return self.head.kind == "lda" and not self.head.shrinkage_by_shots
