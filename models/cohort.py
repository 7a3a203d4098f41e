"""What queries are held against to tell items of no class: the task's class means, and means of other classes."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from models import class_scatter
from models.backbones.backbone import Params
from models.heads import Head, prototypes
from models.support import Support


@dataclass(frozen=True)
class Cohort:
    """Compares as the head does: where it measures distances alike for all shots, in its metric and by its means.

    A metric that follows the shots is next to even for one example; then features are compared as they are, and
    with the plain class means, for which cards of such heads have their thresholds.

    Attributes:
        head: whose metric it is.
        phi: the head's part, or what it has of ``models.class_scatter``.
    """

    head: Head
    phi: Params

    @cached_property
    def strangers(self) -> Tensor | None:
        """Means ``[K, D]`` of training classes, as ``seen``, where the head keeps them."""
        kept = self.phi.get(class_scatter.STRANGERS)
        return None if kept is None else self.seen(kept)

    def seen(self, features: Tensor) -> Tensor:
        """Features ``[..., D]`` where to compare them: cosines there are those of the head's metric."""
        return class_scatter.seen(self.phi, features, self.head.shrinkage) if self._measures else features

    def means(self, features: Tensor, support: Support) -> Tensor:
        """Class means ``[T, N, D]`` of support features ``[T, S, D]``, as ``seen``."""
        if not self._measures:
            return prototypes(features, support)
        return self.seen(self.head.centres(self.phi, features, support))

    @property
    def _measures(self) -> bool:
        return self.head.kind == "lda" and not self.head.shrinkage_by_shots
