"""Reads the image files of classes into memory; they are decoded once, and later runs read the cache."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from models.images.image_decoding import UndecodableError, decode
from models.images.preprocessing import Preprocessing
from training.datasets import image_cache
from training.datasets.class_images import ClassImages, DataError
from training.first_ones import first_ones
from training.printable import printable

MOST_PIXELS = 50_000_000  # of one image; more is a mistake or a decompression bomb
_NAMED_IN_ERRORS = 100  # each attempt to read them all takes minutes
_THREADS = 4  # Pillow decodes and resizes outside the interpreter lock


class ImageError(DataError):
    """An image file cannot be used.

    Attributes:
        fault: which file, and what is wrong with it.
    """

    def __init__(self, fault: str) -> None:
        super().__init__(f"{fault}; repair or remove the file")
        self.fault = fault


@dataclass(frozen=True)
class ClassFiles:
    """One class as it lies on disk.

    Attributes:
        name: unique among the classes that are read together.
        group: name of what the class belongs to; "" for nothing.
        paths: its image files.
    """

    name: str
    group: str
    paths: tuple[Path, ...]


def read_classes(
    classes: Sequence[ClassFiles],
    preprocessing: Preprocessing,
    *,
    cache_dir: Path | None = image_cache.DEFAULT_FOLDER,
) -> ClassImages:
    """Decode and preprocess every image, classes sorted by name and files by path.

    Args:
        classes: at least two, of at least two images each.
        preprocessing: gives the levels to keep; its mean and std are not applied.
        cache_dir: where the levels are kept for later runs; None to keep them nowhere.

    Raises:
        DataError: if there are too few classes or too little memory, or naming those with too few images or files
            that cannot be read.
    """
    ordered = [
        ClassFiles(entry.name, entry.group, tuple(sorted(entry.paths)))
        for entry in sorted(classes, key=lambda entry: entry.name)
    ]
    _check_sizes(ordered)
    if cache_dir is None:
        return _decode_all(ordered, preprocessing)
    facts = [[entry.name, entry.group, *image_cache.file_facts(entry.paths)] for entry in ordered]
    path = cache_dir / f"{image_cache.key(facts, preprocessing)}.npz"
    cached = image_cache.load(path)
    if cached is not None:
        return cached
    built = _decode_all(ordered, preprocessing)
    image_cache.save(path, built)
    return built


def open_image(path: Path) -> Image.Image:
    """Decode one file as the service decodes an upload: first frame, upright, on white where transparent.

    Raises:
        ImageError: naming the file, if it cannot be read, is damaged, too large or no image.
    """
    try:
        return decode(path.read_bytes(), MOST_PIXELS)
    except UndecodableError as error:
        raise ImageError(f"{path} {error}") from error
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error})") from error


def _check_sizes(classes: Sequence[ClassFiles]) -> None:
    if len(classes) < 2:
        found = f"only {classes[0].name!r}" if classes else "none"
        raise DataError(f"at least 2 classes are needed, found {found}")
    small = [entry for entry in classes if len(entry.paths) < 2]
    if small:
        named = first_ones([f"{entry.name!r} ({len(entry.paths)})" for entry in small])
        raise DataError(
            f"each class needs at least 2 images, one to learn from and one to ask about; too few: {named}"
        )


def _decode_all(classes: Sequence[ClassFiles], preprocessing: Preprocessing) -> ClassImages:
    paths = [path for entry in classes for path in entry.paths]
    images = _room(len(paths), preprocessing.channels, preprocessing.side)

    def levels(path: Path) -> Tensor | str:
        try:
            return preprocessing.levels(open_image(path))
        except ImageError as error:
            return error.fault  # reported together with the others, not one in each run

    faults: list[str] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        progress = tqdm(pool.map(levels, paths), "reading images", len(paths), unit=" images", disable=None)
        try:
            for index, image in enumerate(progress):
                if isinstance(image, str):
                    faults.append(image)
                else:
                    images[index] = image
        except BaseException:
            pool.shutdown(cancel_futures=True)  # an error must not wait for the other files
            raise
    if len(faults) > 1:
        named, rest = [printable(fault) for fault in faults[:_NAMED_IN_ERRORS]], len(faults) - _NAMED_IN_ERRORS
        more = [f"and {rest} more"] if rest > 0 else []
        raise DataError(
            "\n  ".join([f"{len(faults)} images cannot be read; repair or remove these files:", *named, *more])
        )
    if faults:
        raise ImageError(printable(faults[0]))
    return ClassImages(
        images=images,
        offsets=torch.tensor([0, *(len(entry.paths) for entry in classes)]).cumsum(0),
        classes=tuple(entry.name for entry in classes),
        groups=tuple(entry.group for entry in classes),
    )


def _room(count: int, channels: int, side: int) -> Tensor:
    try:
        return torch.empty(count, channels, side, side, dtype=torch.uint8)
    except RuntimeError:
        gigabytes = count * channels * side**2 / 1e9
        raise DataError(
            f"{count:,} images of {channels} x {side} x {side} levels take {gigabytes:,.1f} GB of memory, more "
            "than this machine has; take fewer images or, by a recipe's preprocessing.side, smaller ones"
        ) from None
