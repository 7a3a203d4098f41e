"""A fitted classifier on disk, as safetensors and JSON; read back, its answers are the same bit for bit."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import safetensors.torch

from models.class_scatter import DIRECTIONS, SPREAD, STRANGERS
from models.cohort import Cohort
from models.confidence import Confidence
from models.expectation import Estimate
from models.images.preprocessing import Preprocessing
from models.initialization import learner_as_dict, learner_from_dict
from models.learner import Theta
from service.computing.classifier import Classifier, Known

TENSORS, DESCRIPTION = "classifier.safetensors", "classifier.json"
_DIRECTIONS, _MEANS = "directions", "prototypes"
_COHORT = {"strangers": STRANGERS, "scatter.directions": DIRECTIONS, "scatter.spread": SPREAD}


def pin(classifier: Classifier, folder: Path) -> None:
    """Write a classifier into a folder; its files have reached the disk when this returns."""
    tensors = classifier.theta.tensors()
    tensors |= {_DIRECTIONS: classifier.directions, _MEANS: classifier.means}
    cohort = classifier.cohort.phi
    tensors |= {name: cohort[of_phi] for name, of_phi in _COHORT.items() if of_phi in cohort}
    description = {
        "model": classifier.model,
        "version": classifier.version,
        "learner": learner_as_dict(classifier.learner),
        "preprocessing": classifier.preprocessing.as_dict(),
        "confidence": classifier.confidence.as_dict(),
        "labels": classifier.labels,
        "known": [asdict(one) for one in classifier.known],
        "estimate": asdict(classifier.estimate),
        "keep_known": classifier.keep_known,
    }
    _write(folder / TENSORS, safetensors.torch.save(tensors))
    _write(folder / DESCRIPTION, json.dumps(description, ensure_ascii=False).encode())


def load_pinned(folder: Path) -> Classifier:
    """Read a classifier that ``pin`` wrote."""
    description = json.loads((folder / DESCRIPTION).read_bytes())
    # Not torch.load: safetensors is a JSON header and raw numbers, so a tampered file has nothing to execute.
    stored = safetensors.torch.load((folder / TENSORS).read_bytes())
    learner = learner_from_dict(description["learner"])
    # Copied, so that torch aligns them as usual: another alignment could change a product's last bit.
    tensors = {name: value.clone() for name, value in stored.items()}
    directions, means = tensors.pop(_DIRECTIONS), tensors.pop(_MEANS)
    cohort = {of_phi: tensors.pop(name) for name, of_phi in _COHORT.items() if name in tensors}
    theta = Theta.from_tensors(tensors)
    return Classifier(
        model=description["model"],
        version=description["version"],
        learner=learner,
        preprocessing=Preprocessing.from_dict(description["preprocessing"]),
        confidence=Confidence.from_dict(description["confidence"]),
        labels=tuple(description["labels"]),
        known=tuple(Known(**one) for one in description["known"]),
        directions=directions,
        means=means,
        cohort=Cohort(learner.head, cohort),
        theta=theta,
        embedding=learner.embedding(theta.body) if learner.keeps_features else None,
        estimate=Estimate(**description["estimate"]),
        keep_known=description["keep_known"],
    )


def pinned_labels(folder: Path) -> list[str]:
    """Read the labels of a classifier that ``pin`` wrote; an empty list if its file is gone."""
    try:
        labels: list[str] = json.loads((folder / DESCRIPTION).read_bytes())["labels"]
    except FileNotFoundError:
        return []
    return labels


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
