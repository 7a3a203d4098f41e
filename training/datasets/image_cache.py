"""Keeps preprocessed images between runs, as plain arrays (never pickle); safe to delete at any time."""

import hashlib
import json
import logging
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from models.images.preprocessing import Preprocessing
from training.datasets.class_images import ClassImages
from training.whole_file import whole

DEFAULT_FOLDER = Path("var/cache")
_FORMAT = 2
_log = logging.getLogger(__name__)


def file_facts(paths: Sequence[Path]) -> list[tuple[str, int, int]]:
    """The absolute path of each file, its size in bytes and its time of change in nanoseconds.

    Both numbers are -1 for a file that cannot be looked up; reading it will report the reason.
    """
    return [(str(path.absolute()), *_size_and_change(path)) for path in paths]


def _size_and_change(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def key(facts: Any, preprocessing: Preprocessing) -> str:
    """Name what is cached, in 32 hex digits: other files, or other levels of the same files, give another name.

    Args:
        facts: JSON values that tell the files apart.
        preprocessing: gives the levels that are kept; its mean and std are applied later and do not count.
    """
    settings = preprocessing.as_dict()
    del settings["mean"], settings["std"]
    # Settings do not reveal a change of the code that they steer; the levels of probe images do.
    levels = b"".join(preprocessing.levels(probe).numpy().tobytes() for probe in _probes())
    probe = hashlib.sha256(levels).hexdigest()
    text = json.dumps([_FORMAT, settings, probe, facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def load(path: Path) -> ClassImages | None:
    """Read what ``save`` wrote; None if there is nothing, or it is damaged."""
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
    # RuntimeError: a flipped bit may mark an entry as encrypted, or as of a version that zipfile does not know.
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        _log.warning("%s is damaged (%s) and will be made anew", path, error)
        return None


def save(path: Path, images: ClassImages) -> None:
    """Write whole or not at all; if that fails, only log it, since the next run can decode the images again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part, part.open("wb") as file:
            np.savez(
                file,
                images=images.images.numpy(),
                offsets=images.offsets.numpy(),
                classes=np.array(images.classes),
                groups=np.array(images.groups),
            )
    except OSError as error:
        _log.warning("the preprocessed images cannot be kept in %s (%s)", path.parent, error)


def _probes() -> tuple[Image.Image, Image.Image]:
    """Draw a sheet in uneven light with a thick, a thin and a coloured stroke, by itself and beside a desk."""
    sheet = Image.linear_gradient("L").resize((90, 120)).point(lambda level: 180 + level // 4).convert("RGB")
    draw = ImageDraw.Draw(sheet)
    draw.arc((15, 20, 70, 85), 20, 300, fill=(20, 20, 20), width=5)
    draw.line((10, 100, 80, 60), fill=(60, 60, 60), width=1)
    draw.line((45, 10, 55, 110), fill=(150, 30, 40), width=3)
    beside_a_desk = sheet.copy()
    ImageDraw.Draw(beside_a_desk).polygon([(60, 0), (90, 0), (90, 70)], fill=(70, 50, 40))
    return sheet, beside_a_desk
