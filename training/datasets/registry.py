"""Reads data sets by their names."""

import os
from pathlib import Path

from models.images.preprocessing import Preprocessing
from training.datasets import folder, omniglot, strokes
from training.datasets.class_images import ClassImages, DataError
from training.datasets.image_cache import DEFAULT_FOLDER
from training.datasets.splits import SPLITS, Split

__all__ = ["NAMES", "ClassImages", "DataError", "load_known_and_unseen", "load_split"]

NAMES = ("omniglot", "mini_imagenet", "folder", "strokes")


def load_split(
    name: str,
    split: str,
    *,
    preprocessing: Preprocessing,
    data_dir: Path | None = None,
    seed: int = 0,
    download: bool = False,
    classes: int = 1000,
    cache_dir: Path | None = DEFAULT_FOLDER,
) -> ClassImages:
    """Read the classes of one split of a data set.

    Args:
        name: ``omniglot``, ``mini_imagenet``, ``folder`` (any class-per-folder tree) or ``strokes``.
        split: ``train``, ``validation`` or ``test``, of disjoint classes.
        preprocessing: from image to levels.
        data_dir: the folder that holds the data sets, or for ``folder`` the tree itself; by default the
            environment variable METASHOT_DATA.
        seed: of the characters of ``strokes``, and of the split of a ``folder`` that is not divided already.
        download: fetch ``omniglot`` if it is missing.
        classes: number of ``strokes`` classes to draw; other data sets provide all they have.
        cache_dir: where preprocessed images are kept for later runs; None to keep them nowhere.

    Raises:
        DataError: if the name is unknown or data are missing; the message says what to put where.
    """
    if split not in SPLITS:
        raise DataError(f"there is no split {split!r}; there are {', '.join(SPLITS)}")
    of: Split = split
    if name not in NAMES:
        raise DataError(f"there is no data set {name!r}; there are {', '.join(NAMES)}")
    if name == "strokes":
        return strokes.load(of, preprocessing, seed=seed, classes=classes)
    root = data_dir or data_dir_of_environment(name)
    if name == "omniglot":
        return omniglot.load(of, root, preprocessing, download=download, cache_dir=cache_dir)
    if name == "mini_imagenet":
        return folder.load_divided(of, _mini_imagenet(root), preprocessing, cache_dir=cache_dir)
    return folder.load(of, root, preprocessing, seed=seed, cache_dir=cache_dir)


def load_known_and_unseen(
    name: str,
    *,
    preprocessing: Preprocessing,
    data_dir: Path | None,
    seed: int,
    download: bool,
    classes: tuple[int, int],
) -> tuple[ClassImages, ClassImages]:
    """Read the splits ``train`` and ``validation``, each with its number of ``classes`` (see ``load_split``)."""

    def split(of: Split, count: int) -> ClassImages:
        return load_split(
            name,
            of,
            preprocessing=preprocessing,
            data_dir=data_dir,
            seed=seed,
            download=download,
            classes=count,
        )

    return split("train", classes[0]), split("validation", classes[1])


def data_dir_of_environment(name: str) -> Path:
    """The folder that the environment variable METASHOT_DATA names.

    Raises:
        DataError: if it is not set; the message names the data set ``name``, which was to be read.
    """
    value = os.environ.get("METASHOT_DATA")
    if not value:
        what = "which folder holds the classes" if name == "folder" else f"where {name} lies"
        raise DataError(f"say {what}: --data-dir DIR, or the environment variable METASHOT_DATA")
    return Path(value)


def _mini_imagenet(data_dir: Path) -> Path:
    for root in (data_dir / "mini_imagenet", data_dir):
        if (root / "train").is_dir() or (root / "val").is_dir() or (root / "test").is_dir():
            return root
    raise DataError(
        f"{data_dir} does not hold mini-ImageNet; put its images at {data_dir / 'mini_imagenet'}"
        "/{train,val,test}/<wnid>/*.jpg (64, 16 and 20 classes, the split of Ravi and Larochelle 2017)"
    )
