"""One task's classifier: fitted from its examples, then answering queries, each by itself.

Examples and classes are put into an order that depends on the images' bytes alone before anything is
computed, so neither the order of an upload nor the names of the classes can change a bit of an answer.
Queries pass through the network one at a time, so a query's batch-mates cannot either; on a CPU that costs
at most a millisecond a query against batches of any size.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from models.confidence import Confidence, Estimate, leave_one_out
from models.initialization import Initialization
from models.learner import Learner, Theta
from models.preprocessing import Preprocessing
from models.support import Support
from service.problems import Problem

NEAREST = 3
Answer = dict[str, Any]


@dataclass(frozen=True)
class Shot:
    """A support example as fitting sees it.

    Attributes:
        label: of its class.
        filename: as the caller named it.
        identity: of the stored example, None where nothing is kept.
        digest: sha256 of the file.
        pixels: preprocessed, float ``[C, H, W]``.
    """

    label: str
    filename: str
    identity: str | None
    digest: str
    pixels: Tensor


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
        theta: the adapted parameters, one task.
        estimate: the accuracy to expect.
    """

    model: str
    version: str
    learner: Learner
    preprocessing: Preprocessing
    confidence: Confidence
    labels: tuple[str, ...]
    known: tuple[Known, ...]
    directions: Tensor
    theta: Theta
    estimate: Estimate

    @property
    def size(self) -> int:
        """Bytes of its tensors."""
        return sum(one.nbytes for one in (*self.theta.tensors().values(), self.directions))

    def answer(self, filename: str, pixels: Tensor) -> Answer:
        """Classify one preprocessed image ``[C, H, W]``; what is returned is ready for JSON."""
        with torch.no_grad():
            features = self.learner.features(self.theta, pixels[None, None])
            logits = self.learner.logits(self.theta, features)[0, 0]
            shares = self.confidence.probabilities(logits)
            unknown = self.confidence.unknown(features[0], self.theta.prototypes[0])
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


def digest_of(content: bytes) -> str:
    """The sha256 by which examples are ordered."""
    return hashlib.sha256(content).hexdigest()


def fit(initialization: Initialization, shots: Sequence[Shot], on_step: Callable[[int], None]) -> Classifier:
    """Adapt an initialization to a support set.

    Args:
        initialization: its phi is only read.
        shots: in any order; at least two classes.
        on_step: called before each inner step; what it raises ends the fit.

    Raises:
        Problem: 422 if the adaptation diverges.
    """
    labels, ordered = _canonical(shots)
    numbers = {label: number for number, label in enumerate(labels)}
    support = Support.of_task(
        torch.stack([shot.pixels for shot in ordered]),
        torch.tensor([numbers[shot.label] for shot in ordered]),
    )
    learner = initialization.learner
    with torch.no_grad():
        theta = learner.adapt(initialization.phi, support, on_step=on_step)
        features = torch.cat([learner.features(theta, image[None, None])[0] for image in support.images[0]])
    theta = Theta.from_tensors({name: value.detach() for name, value in theta.tensors().items()})
    if not all(bool(value.isfinite().all()) for value in theta.tensors().values()):
        raise Problem(
            422,
            f"adapting {initialization.name} to these examples gave numbers that are not finite; "
            "try another model or other examples",
            title="Adaptation diverged",
            field="support",
        )
    return Classifier(
        model=initialization.name,
        version=initialization.version,
        learner=learner,
        preprocessing=initialization.preprocessing,
        confidence=initialization.confidence,
        labels=labels,
        known=tuple(Known(shot.label, shot.filename, shot.identity) for shot in ordered),
        directions=torch.nn.functional.normalize(features, dim=1),
        theta=theta,
        estimate=_estimate(initialization.confidence, features, support),
    )


def _canonical(shots: Sequence[Shot]) -> tuple[tuple[str, ...], list[Shot]]:
    """Order examples by their bytes, and classes by their examples; labels decide between equal ones only."""
    classes: dict[str, list[Shot]] = {}
    for shot in sorted(shots, key=lambda one: (one.digest, one.filename, one.identity or "")):
        classes.setdefault(shot.label, []).append(shot)
    labels = sorted(classes, key=lambda label: ([shot.digest for shot in classes[label]], label))
    return tuple(labels), [shot for label in labels for shot in classes[label]]


def _estimate(confidence: Confidence, features: Tensor, support: Support) -> Estimate:
    measured = leave_one_out(features, support.labels[0])
    if measured is not None:
        return measured
    ways = support.most_ways
    return confidence.expected_accuracy(ways, len(features) / ways)
