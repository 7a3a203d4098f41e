"""One task's classifier: it answers queries, each independently of the others.

Images pass through the network and the head in batches. Both compute each image as they would alone (see
``models.backbones.at_rest`` and ``models.kernels.row_products``).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from models.cohort import Cohort
from models.confidence import KEEP_KNOWN, Confidence, familiarity
from models.expectation import Estimate
from models.images.preprocessing import Preprocessing
from models.kernels.row_products import row_products
from models.learner import Embedding, Learner, Theta
from models.task_size import TaskSize
from service.computing.sharing import Through, directly

NEAREST = 3
# Images per pass through the network; the deadline is checked before each pass. With the shipped ``characters``,
# passes of 8 to 64 took 0.9 ms an image, passes of 1 took 1.8 (``python -m benchmarks --only engine``).
AT_ONCE = 32
_ABOUT_EACH = 800  # bytes, roughly, of an example's label, file name and id, and of how it fits
Answer = dict[str, Any]
Prepared = tuple[str, Tensor]  # a query's file name and its pixels [C, H, W]
Check = Callable[[], None]  # called often during work, which ends if it raises


@dataclass(frozen=True)
class Known:
    """What an answer says about a support example; ``identity`` is its id in the store, if it is kept."""

    label: str
    filename: str
    identity: str | None


@dataclass(frozen=True)
class LeftOut:
    """How the other examples of a task classify one of them: an improbable label may be a wrong one.

    Attributes:
        known: the example.
        probability: of its own class.
        resembles: label of the most probable class.
        doubtful: whether that is another one, and so much more probable that its owner should look at it.
    """

    known: Known
    probability: float
    resembles: str
    doubtful: bool


@dataclass(frozen=True)
class Classifier:
    """A fitted classifier, complete in itself: it no longer needs its initialization.

    Attributes:
        model: name of the initialization that it was adapted from.
        version: that initialization's version.
        learner: computes features and logits from theta.
        preprocessing: turns an image into the learner's input.
        confidence: calibrates probabilities and the threshold of ``unknown``.
        labels: the N class names, in theta's order.
        known: the S support examples, no two of a class alike, in the order of ``directions``.
        directions: ``[S, D]``, the support features under theta, scaled to unit length.
        means: ``[N, D]``, the class means, in the cohort's metric.
        cohort: compares queries with the task's class means and other classes' means, to find unknown items.
        theta: the adapted parameters of one task.
        embedding: computes features where they depend on phi alone; None where the learner needs theta for them.
        estimate: the accuracy to expect on new images.
        left_out: each of ``known`` whose class has another example, as the others classify it, least probable
            first; empty where the classifier was read from disk.
        keep_known: share of images of its classes that shall not be flagged unknown; a request may set another.
    """

    model: str
    version: str
    learner: Learner
    preprocessing: Preprocessing
    confidence: Confidence
    labels: tuple[str, ...]
    known: tuple[Known, ...]
    directions: Tensor
    means: Tensor
    cohort: Cohort
    theta: Theta
    embedding: Embedding | None
    estimate: Estimate
    left_out: tuple[LeftOut, ...] = ()
    keep_known: float = KEEP_KNOWN

    @cached_property
    def task_size(self) -> TaskSize:
        """The task's size, from the number of examples of each class."""
        return TaskSize.of_counts(list(Counter(one.label for one in self.known).values()))

    @property
    def size(self) -> int:
        """Bytes of memory that it alone takes, without tensors shared with its initialization."""
        body = self.theta.body if self.embedding is None else {}  # else the body is phi's own
        own = (*body.values(), *self.theta.head.values(), self.directions, self.means)
        return sum(one.nbytes for one in own) + _ABOUT_EACH * len(self.known)

    def answers(self, queries: Sequence[Prepared], check: Check, through: Through = directly) -> list[Answer]:
        """Classify preprocessed images; give their answers in the same order, ready for JSON.

        ``check`` is called before each ``AT_ONCE`` images; ``through`` computes features by the embedding.
        """
        found: list[Answer] = []
        for first in range(0, len(queries), AT_ONCE):
            check()
            names, pixels = zip(*queries[first : first + AT_ONCE], strict=True)
            with torch.no_grad():
                found += self._answered(names, self._features(torch.stack(pixels), through))
        return found

    def _features(self, images: Tensor, through: Through) -> Tensor:
        """Compute features ``[1, B, D]`` under theta of images ``[B, C, H, W]``."""
        if self.embedding is not None:
            return through(self.embedding, images, self.learner.backbone.operations)[None]
        return self.learner.features(self.theta, images[None], alone=True)

    def _answered(self, filenames: Sequence[str], features: Tensor) -> list[Answer]:
        """Answer queries, given their features ``[1, B, D]``."""
        shares = self.confidence.probabilities(self.learner.logits(self.theta, features)[0], self.task_size)
        familiar = familiarity(self.cohort.seen(features[0]), self.means, self.cohort.strangers)
        unknown = familiar < self.confidence.known_above(self.task_size, self.keep_known)
        similarities = row_products(torch.nn.functional.normalize(features[0], dim=1), self.directions)
        nearest = similarities.argsort(descending=True, stable=True)[:, :NEAREST]
        similar = similarities.gather(1, nearest).clamp(-1, 1)  # against rounding
        found = zip(filenames, *(one.tolist() for one in (shares, unknown, nearest, similar)), strict=True)
        return [self._answer(*one) for one in found]

    def _answer(
        self, filename: str, shares: list[float], unknown: bool, nearest: list[int], similarities: list[float]
    ) -> Answer:
        """Make one query's answer from its class probabilities and nearest examples (indices, similarities)."""
        probabilities = dict(zip(self.labels, shares, strict=True))
        best = shares.index(max(shares))
        return {
            "filename": filename,
            "label": self.labels[best],
            "probability": shares[best],
            "probabilities": {label: probabilities[label] for label in sorted(probabilities)},
            "unknown": unknown,
            "nearest": [
                _explained(self.known[index], similarity)
                for index, similarity in zip(nearest, similarities, strict=True)
            ],
        }

    def estimated(self) -> dict[str, float]:
        """The estimate, ready for JSON."""
        return asdict(self.estimate)


def _explained(known: Known, similarity: float) -> Answer:
    one: Answer = {"label": known.label, "similarity": similarity, "filename": known.filename}
    return one if known.identity is None else {**one, "id": known.identity}
