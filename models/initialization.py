"""An initialization: what meta-training publishes and the service loads.

A folder of two files: ``weights.safetensors`` (phi) and ``card.json`` (what phi is, what it was trained on,
what it reached, and the sha256 of the weights).
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from models.backbones.backbone import Params
from models.backbones.registry import backbone_as_dict, backbone_from_dict
from models.cohort import Cohort
from models.confidence import Confidence
from models.heads import Head
from models.images.preprocessing import Preprocessing
from models.inner_rule import InnerRule
from models.learner import BODY, HEAD, Embedding, Learner, part
from models.whole_numbers import check_whole

FORMAT = 3
WEIGHTS, CARD = "weights.safetensors", "card.json"
SHIPPED = Path(__file__).parent / "pretrained"


class InitializationError(ValueError):
    """A folder does not hold a usable initialization; the message names the file and the remedy."""


@dataclass(frozen=True)
class Initialization:
    """A loaded initialization.

    Attributes:
        name: by which users ask for it.
        version: the first 12 digits of a sha256 of all that determines its answers: the weights and, from the
            card, the learner, the preprocessing and the confidence.
        card: the contents of ``card.json``.
        learner: the composition that phi belongs to.
        phi: float32 parameters by name.
        preprocessing: from image to the learner's input.
        confidence: calibration fitted on validation tasks.
    """

    name: str
    version: str
    card: dict[str, Any]
    learner: Learner
    phi: Params
    preprocessing: Preprocessing
    confidence: Confidence

    @cached_property
    def embedding(self) -> Embedding:
        """Computes images' features, if these do not depend on the task (see ``Learner.embedding``)."""
        return self.learner.embedding(part(self.phi, BODY))

    @cached_property
    def cohort(self) -> Cohort:
        """What queries are compared with to recognise unknown items."""
        return Cohort(self.learner.head, part(self.phi, HEAD))


def learner_as_dict(learner: Learner) -> dict[str, Any]:
    """Return the learner's composition as JSON values."""
    backbone = backbone_as_dict(learner.backbone)
    return {"backbone": backbone, "head": asdict(learner.head), "rule": asdict(learner.rule)}


def learner_from_dict(values: Mapping[str, Any]) -> Learner:
    """Rebuild from what ``learner_as_dict`` returned."""
    return Learner(backbone_from_dict(values["backbone"]), Head(**values["head"]), InnerRule(**values["rule"]))


def shipped() -> dict[str, Path]:
    """The initializations that come with the project, as folders by name."""
    return {path.parent.name: path.parent for path in sorted(SHIPPED.glob(f"*/{CARD}"))}


def save(
    folder: Path,
    *,
    name: str,
    learner: Learner,
    phi: Params,
    preprocessing: Preprocessing,
    confidence: Confidence,
    facts: Mapping[str, Any],
) -> Initialization:
    """Write an initialization; neither of its two files is replaced before both are on the disk.

    Args:
        folder: created if missing; an earlier initialization in it is replaced.
        name: by which users will ask for it.
        learner: the composition.
        phi: its parameters; stored as float32, or as float16 where that loses nothing.
        preprocessing: from image to input.
        confidence: calibration.
        facts: what else the card states: description, training, evaluation, licence.

    Raises:
        ValueError: for settings with a number that is not finite.
        OSError: if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stored = {key: value.detach().float().cpu().contiguous() for key, value in sorted(phi.items())}
    weights = safetensors.torch.save({key: _smallest(value) for key, value in stored.items()})
    digest = hashlib.sha256(weights).hexdigest()
    answers_from = {
        "learner": learner_as_dict(learner),
        "preprocessing": preprocessing.as_dict(),
        "confidence": confidence.as_dict(),
        "weights": {"file": WEIGHTS, "bytes": len(weights), "sha256": digest},
    }
    version = _version(answers_from)
    card: dict[str, Any] = {"format": FORMAT, "name": name, "version": version, **facts, **answers_from}
    # A folder's name that is not UTF-8 gives lone surrogates, which become the escapes that JSON has for them.
    told = (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
    _write_whole({folder / WEIGHTS: weights, folder / CARD: told})
    return Initialization(name, version, card, learner, stored, preprocessing, confidence)


def load(folder: Path) -> Initialization:
    """Read and verify an initialization.

    Raises:
        InitializationError: if a file is missing, damaged or of another format, or if the two files do not
            belong together.
    """
    card = _read_card(folder / CARD)
    try:
        expected = card["weights"]["sha256"]
        learner = learner_from_dict(card["learner"])
        preprocessing = Preprocessing.from_dict(card["preprocessing"])
        confidence = Confidence.from_dict(card["confidence"])
        check_whole((learner, preprocessing))
        name, version = str(card["name"]), _version(card)
        wanted = {key: value.shape for key, value in learner.initial(seed=0).items()}
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise InitializationError(
            f"{folder / CARD} does not describe an initialization ({error!r}); "
            "restore the folder from where it was published"
        ) from error
    phi = _read_weights(folder / WEIGHTS, expected)
    _check_phi(folder, wanted, phi)
    backbone = learner.backbone
    if (backbone.channels, backbone.side) != (preprocessing.channels, preprocessing.side):
        raise InitializationError(
            f"{folder / CARD}: the preprocessing makes {preprocessing.channels} x {preprocessing.side} pixels, "
            f"the backbone takes {backbone.channels} x {backbone.side}; restore the folder"
        )
    return Initialization(name, version, card, learner, phi, preprocessing, confidence)


def _version(card: Mapping[str, Any]) -> str:
    """See ``Initialization``; raises ValueError for a number that is not finite: it would spoil every answer."""
    told = [card["weights"]["sha256"], *(card[key] for key in ("learner", "preprocessing", "confidence"))]
    return hashlib.sha256(json.dumps(told, sort_keys=True, allow_nan=False).encode()).hexdigest()[:12]


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise InitializationError(f"{path} is missing: an initialization is a folder with it") from None
    except OSError as error:
        raise InitializationError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        why = str(error).partition(";")[0]  # for a number of too many digits, advice to programmers follows
        raise InitializationError(f"{path} is not valid JSON ({why}); restore it") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise InitializationError(
            f"{path} is not of format {FORMAT}, the one that this release reads; publish it again from its recipe"
        )
    return card


def _read_weights(path: Path, expected: str) -> Params:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InitializationError(f"{path} is missing; restore it beside its card") from None
    except OSError as error:
        raise InitializationError(f"{path} cannot be read: {error.strerror}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != expected:
        raise InitializationError(
            f"{path} is damaged or belongs to another card: its sha256 is {digest}, the card says {expected}; "
            "restore both files from where they were published"
        )
    try:
        # Not torch.load: safetensors is a JSON header and raw numbers, so a hostile file has nothing to execute.
        # The bytes parsed are those whose sha256 was checked above.
        phi: Params = {name: value.float() for name, value in safetensors.torch.load(content).items()}
    except safetensors.SafetensorError as error:
        raise InitializationError(f"{path} is not a safetensors file ({error}); restore it") from error
    return phi


def _check_phi(folder: Path, wanted: dict[str, torch.Size], phi: Params) -> None:
    found = {name: value.shape for name, value in phi.items()}
    if wanted != found:
        name = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))[0]
        raise InitializationError(
            f"{folder}: the weights do not fit the learner that the card describes: {name} should be "
            f"{_shape(wanted.get(name))}, is {_shape(found.get(name))}; restore both files together"
        )
    broken = [name for name, value in phi.items() if not bool(torch.isfinite(value).all())]
    if broken:
        raise InitializationError(f"{folder}: {broken[0]} holds numbers that are not finite; train it again")


def _shape(shape: torch.Size | None) -> str:
    return "absent" if shape is None else str(list(shape))


def _smallest(value: torch.Tensor) -> torch.Tensor:
    """The same numbers in float16 if it represents them exactly, else as they are."""
    half = value.half()
    return half if torch.equal(half.float(), value) else value


def _write_whole(files: Mapping[Path, bytes]) -> None:
    """Write files that belong together: none is moved into place before all are on the disk."""
    staged: dict[Path, Path] = {}
    try:
        for path, content in files.items():
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            staged[path] = Path(temporary)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            staged[path].chmod(0o644)
        for path, temporary_path in staged.items():
            temporary_path.replace(path)
    except BaseException:
        for temporary_path in staged.values():
            temporary_path.unlink(missing_ok=True)
        raise
