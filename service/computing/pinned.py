"""A fitted classifier on disk, as safetensors and JSON; read back, its answers are the same bit for bit."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch

from models.class_scatter import DIRECTIONS, SPREAD, STRANGERS
from models.cohort import Cohort
from models.confidence import Confidence
from models.expectation import Estimate
from models.images.preprocessing import Preprocessing
from models.initialization import learner_as_dict, learner_from_dict
from models.learner import Theta
from service.computing.classifier import Classifier, Known
from service.computing.memory_errors import memory_errors
from service.synced_folder import sync_folder

TENSORS, DESCRIPTION = "classifier.safetensors", "classifier.json"
FORMAT = 1  # raise it with every change that lets the same files mean another classifier, or none
_DIRECTIONS, _MEANS = "directions", "prototypes"
_COHORT = {"strangers": STRANGERS, "scatter.directions": DIRECTIONS, "scatter.spread": SPREAD}


class UnreadablePin(ValueError):
    """A pinned classifier is of another format, or damaged."""


@dataclass(frozen=True)
class Origin:
    """What a classifier was pinned from, which every format tells alike.

    Attributes:
        version: of its initialization.
        known: pairs of label and stored id, of its support examples.
        keep_known: as the classifier has it.
    """

    version: str
    known: frozenset[tuple[str, str]]
    keep_known: float


def pin(classifier: Classifier, folder: Path) -> None:
    """Write a classifier into a folder; its files and their names have reached the disk when this returns."""
    tensors = classifier.theta.tensors()
    tensors |= {_DIRECTIONS: classifier.directions, _MEANS: classifier.means}
    cohort = classifier.cohort.phi
    tensors |= {name: cohort[of_phi] for name, of_phi in _COHORT.items() if of_phi in cohort}
    description = {
        "format": FORMAT,
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
    sync_folder(folder)


def load_pinned(folder: Path) -> Classifier:
    """Read a classifier that ``pin`` wrote.

    Raises:
        UnreadablePin: if another release wrote it in another format, or it is damaged.
        OSError: if its files are gone or cannot be read.
    """
    description, tensors = (folder / DESCRIPTION).read_bytes(), (folder / TENSORS).read_bytes()
    try:
        with memory_errors():
            return _read(json.loads(description), tensors)
    except (MemoryError, OSError):  # no fault of the files
        raise
    except Exception as error:  # whatever another release left out or called by another name
        raise UnreadablePin(f"{folder}: {type(error).__name__}: {error}") from error


def origin_of(folder: Path) -> Origin | None:
    """Read what a classifier of any format was pinned from; None if that cannot be told."""
    try:
        description = json.loads((folder / DESCRIPTION).read_bytes())
        known = frozenset((str(one["label"]), str(one["identity"])) for one in description["known"])
        return Origin(str(description["version"]), known, float(description["keep_known"]))
    except (ValueError, KeyError, TypeError):
        return None


def pinned_labels(folder: Path) -> list[str]:
    """Read the labels of a classifier that ``pin`` wrote; an empty list if its file is gone or damaged."""
    try:
        return [str(label) for label in json.loads((folder / DESCRIPTION).read_bytes())["labels"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []


def _read(description: Mapping[str, Any], content: bytes) -> Classifier:
    if (found := description.get("format")) != FORMAT:
        raise UnreadablePin(f"its format is {found}, not {FORMAT}")
    # Not torch.load: safetensors is a JSON header and raw numbers, so a tampered file has nothing to execute.
    stored = safetensors.torch.load(content)
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


def _write(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, as it may replace one of another format."""
    unfinished = path.with_name(f".{path.name}")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
