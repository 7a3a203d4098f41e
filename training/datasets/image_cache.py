"""Keeps preprocessed images between runs, in plain arrays (never pickle); safe to delete at any time."""

import hashlib
import json
import logging
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from models.images.preprocessing import Preprocessing
from training.datasets.class_images import ClassImages

DEFAULT_FOLDER = Path("var/cache")
_FORMAT = 1
_log = logging.getLogger(__name__)


def file_facts(paths: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Where each file lies, its size in bytes and when it changed (nanoseconds).

    Of one that is not there both are -1; reading it will tell.
    """
    return [(str(path.absolute()), *_size_and_change(path)) for path in paths]


def _size_and_change(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def key(facts: Any, preprocessing: Preprocessing) -> str:
    """Name what is cached: other files, or other levels out of the same files, give another name.

    Args:
        facts: JSON values that tell the files (or the drawn data) apart.
        preprocessing: whose levels are kept; mean and std come later and do not count.
    """
    settings = preprocessing.as_dict()
    del settings["mean"], settings["std"]
    # The settings do not tell when the code that they steer has changed; the levels of a probe do.
    probe = hashlib.sha256(preprocessing.levels(_probe()).numpy().tobytes()).hexdigest()
    text = json.dumps([_FORMAT, settings, probe, facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def load(path: Path) -> ClassImages | None:
    """Read what ``save`` wrote; None where there is nothing or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return ClassImages(
                images=torch.from_numpy(stored["images"]),
                offsets=torch.from_numpy(stored["offsets"]),
                classes=tuple(stored["classes"].tolist()),
                groups=tuple(stored["groups"].tolist()),
            )
    except FileNotFoundError:
        return None
    # RuntimeError: a flipped bit may call an entry encrypted, or of a version that zipfile does not know.
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        _log.warning("%s is damaged (%s) and will be made anew", path, error)
        return None


def save(path: Path, images: ClassImages) -> None:
    """Write whole or not at all; a folder that cannot be written only costs the next run its time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            part = Path(file.name)
            try:
                np.savez(
                    file,
                    images=images.images.numpy(),
                    offsets=images.offsets.numpy(),
                    classes=np.array(images.classes),
                    groups=np.array(images.groups),
                )
                file.flush()
                part.replace(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        _log.warning("the preprocessed images cannot be kept in %s (%s)", path.parent, error)


def _probe() -> Image.Image:
    """A sheet with uneven light, a thick, a thin and a coloured stroke."""
    sheet = Image.linear_gradient("L").resize((90, 120)).point(lambda level: 180 + level // 4).convert("RGB")
    draw = ImageDraw.Draw(sheet)
    draw.arc((15, 20, 70, 85), 20, 300, fill=(20, 20, 20), width=5)
    draw.line((10, 100, 80, 60), fill=(60, 60, 60), width=1)
    draw.line((45, 10, 55, 110), fill=(150, 30, 40), width=3)
    return sheet
