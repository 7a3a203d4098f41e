"""One task's classifier: it answers queries, each by itself.

Images pass through the network in batches, which computes each as it would alone (see
``models.kernels.task_convolution``); the head, whose product would not, takes queries one by one.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from models.confidence import KEEP_KNOWN, Confidence
from models.expectation import Estimate
from models.images.preprocessing import Preprocessing
from models.learner import Embedding, Learner, Theta
from models.task_size import TaskSize

NEAREST = 3
AT_ONCE = 8  # images of one pass through the network: more are no faster, and deadlines are checked in between
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
        prototypes: ``[N, D]``, the class means of these features.
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
    prototypes: Tensor
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
        """Bytes of its tensors."""
        return sum(one.nbytes for one in (*self.theta.tensors().values(), self.directions, self.prototypes))

    def answers(self, queries: Sequence[Prepared], check: Check) -> list[Answer]:
        """Classify preprocessed images, in their order; what is returned is ready for JSON."""
        found: list[Answer] = []
        for first in range(0, len(queries), AT_ONCE):
            check()
            names, pixels = zip(*queries[first : first + AT_ONCE], strict=True)
            with torch.no_grad():
                features = self._features(torch.stack(pixels))
                found += [self._answer(name, features[:, at : at + 1]) for at, name in enumerate(names)]
        return found

    def _features(self, images: Tensor) -> Tensor:
        """Features ``[1, B, D]`` under theta of images ``[B, C, H, W]``."""
        if self.embedding is not None:
            return self.embedding(images)[None]
        return self.learner.features(self.theta, images[None])

    def _answer(self, filename: str, features: Tensor) -> Answer:
        """Answer for one query's features ``[1, 1, D]``."""
        logits = self.learner.logits(self.theta, features)[0, 0]
        shares = self.confidence.probabilities(logits, self.task_size)
        unknown = self.confidence.unknown(features[0], self.prototypes, self.task_size, self.keep_known)
        similarities = self.directions @ torch.nn.functional.normalize(features[0, 0], dim=0)
        probabilities = dict(zip(self.labels, shares.tolist(), strict=True))
        best = int(shares.argmax())
        return {
            "filename": filename,
            "label": self.labels[best],
            "probability": probabilities[self.labels[best]],
            "probabilities": {label: probabilities[label] for label in sorted(probabilities)},
            "unknown": bool(unknown[0]),
            "nearest": self._nearest(similarities),
        }

    def _nearest(self, similarities: Tensor) -> list[Answer]:
        order = similarities.argsort(descending=True, stable=True)[:NEAREST].tolist()
        explained = []
        for index in order:
            known = self.known[index]
            one: Answer = {
                "label": known.label,
                "similarity": float(similarities[index]),
                "filename": known.filename,
            }
            explained.append(one if known.identity is None else {**one, "id": known.identity})
        return explained

    def estimated(self) -> dict[str, float]:
        """The estimate, ready for JSON."""
        return asdict(self.estimate)
