"""One task's classifier: it answers queries, each by itself.

Images pass through the network and the head in batches. The network computes each as it would alone (see
``models.kernels.task_convolution``); for the head's products to do so, batches are filled up to one size.
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
from models.learner import Embedding, Learner, Theta
from models.task_size import TaskSize
from service.computing.sharing import Through, directly

NEAREST = 3
# Images of one pass through the network, before each of which the deadline is checked. Through the shipped
# ``characters`` 8 to 64 took 0.9 ms each, 1 took 1.8 (``python -m benchmarks --only engine``).
AT_ONCE = 32
_ABOUT_EACH = 500  # bytes of what is known of an example, beside its direction
_ROWS = 8  # queries of one product of the head: one alone must not pay for 32
Answer = dict[str, Any]
Prepared = tuple[str, Tensor]  # a query's file name and its pixels [C, H, W]
Check = Callable[[], None]  # called often; what it raises ends the work


@dataclass(frozen=True)
class Known:
    """What an answer says about a support example."""

    label: str
    filename: str
    identity: str | None


@dataclass(frozen=True)
class Classifier:
    """A fitted classifier, complete in itself: it needs no initialization any more.

    Attributes:
        model: name of the initialization that it came from.
        version: of that initialization.
        learner: how theta computes.
        preprocessing: from image to input.
        confidence: calibration.
        labels: N names, in theta's order of classes.
        known: the S support examples.
        directions: ``[S, D]``, their features under theta, of unit length.
        means: ``[N, D]``, the class means, as its cohort sees them.
        cohort: what tells items of no class.
        theta: the adapted parameters, one task.
        embedding: computes features, where theta's are phi's; else the learner does, from theta.
        estimate: the accuracy to expect.
        keep_known: share of items of its classes that it is to tell known; a request may ask for another.
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
    keep_known: float = KEEP_KNOWN

    @cached_property
    def task_size(self) -> TaskSize:
        """How many classes it has, and how few examples of each."""
        return TaskSize.of_counts(list(Counter(one.label for one in self.known).values()))

    @property
    def size(self) -> int:
        """Bytes of the tensors that it shares with no other, its initialization among them."""
        body = self.theta.body if self.embedding is None else {}  # which is phi's, where features are
        own = (*body.values(), *self.theta.head.values(), self.directions, self.means)
        return sum(one.nbytes for one in own) + _ABOUT_EACH * len(self.known)

    def answers(self, queries: Sequence[Prepared], check: Check, through: Through = directly) -> list[Answer]:
        """Classify preprocessed images, in their order; what is returned is ready for JSON."""
        found: list[Answer] = []
        for first in range(0, len(queries), AT_ONCE):
            check()
            names, pixels = zip(*queries[first : first + AT_ONCE], strict=True)
            with torch.no_grad():
                features = self._features(torch.stack(pixels), through)
                for row in range(0, len(names), _ROWS):
                    some = slice(row, row + _ROWS)
                    found += self._answered(names[some], features[:, some])
        return found

    def _features(self, images: Tensor, through: Through) -> Tensor:
        """Features ``[1, B, D]`` under theta of images ``[B, C, H, W]``."""
        if self.embedding is not None:
            return through(self.embedding, images, self.learner.backbone.operations)[None]
        return self.learner.features(self.theta, images[None])

    def _answered(self, filenames: Sequence[str], features: Tensor) -> list[Answer]:
        """Answer queries by their features ``[1, B, D]``."""
        # Products have the same shape for one query as for many: by another routine its last bits might differ.
        rows = torch.nn.functional.pad(features, (0, 0, 0, _ROWS - len(filenames)))
        shares = self.confidence.probabilities(self.learner.logits(self.theta, rows)[0], self.task_size)
        familiar = familiarity(self.cohort.seen(rows[0]), self.means, self.cohort.strangers)
        unknown = familiar < self.confidence.known_above(self.task_size, self.keep_known)
        similarities = torch.nn.functional.normalize(rows[0], dim=1) @ self.directions.T
        nearest = similarities.argsort(descending=True, stable=True)[:, :NEAREST]
        found = zip(
            filenames,
            shares.tolist(),
            unknown.tolist(),
            nearest.tolist(),
            similarities.gather(1, nearest).clamp(-1, 1).tolist(),  # no further by rounding
            strict=False,  # the rows that are filled up are nobody's
        )
        return [self._answer(*one) for one in found]

    def _answer(
        self, filename: str, shares: list[float], unknown: bool, nearest: list[int], similarities: list[float]
    ) -> Answer:
        """One query's answer: of the classes' shares, and of the nearest examples' numbers and similarities."""
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
