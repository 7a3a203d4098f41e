"""Any tree of images with a folder per class, nested or not; already divided into splits, or split by a seed."""

import functools
import logging
from dataclasses import dataclass
from pathlib import Path

from models.images.image_decoding import SUFFIXES
from models.images.preprocessing import Preprocessing
from training.datasets.class_images import ClassImages, DataError
from training.datasets.image_cache import DEFAULT_FOLDER
from training.datasets.image_files import ClassFiles, read_classes
from training.datasets.left_out import files_told, folders_told, is_hidden, is_special
from training.datasets.parted_classes import parted
from training.datasets.splits import SPLITS, Split, shuffled

# Share of the classes for each of validation and test; the rest is for training.
HELD_OUT = 0.15
_LEAST_CLASSES = 2
_FOLDERS: dict[Split, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("val", "valid", "validation"),
    "test": ("test",),
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tree:
    """What a folder holds.

    Attributes:
        classes: the folders that hold images themselves, named by their path below the top.
        ignored: files that were left out: hidden ones, those that are no images by name or kind, and images in
            the top folder itself.
        empty: folders that hold neither images nor folders.
    """

    classes: tuple[ClassFiles, ...]
    ignored: tuple[Path, ...]
    empty: tuple[Path, ...]


def load(
    split: Split,
    root: Path,
    preprocessing: Preprocessing,
    *,
    seed: int = 0,
    cache_dir: Path | None = DEFAULT_FOLDER,
) -> ClassImages:
    """Read the classes of one split.

    A tree with at least two of the top folders ``train``, ``val`` (or ``valid``, ``validation``) and ``test``, or
    with one of them and no other folder, is taken as already divided that way (see ``load_divided``). So is one
    with a single top folder that contains two of them, directly or below further single folders. From any other
    tree, validation and test get 15 % of the classes each, at least two, drawn by the seed.

    Args:
        split: the classes to read.
        root: top of the tree.
        preprocessing: from image to levels.
        seed: of the split of a tree that is not divided already.
        cache_dir: see ``read_classes``.

    Raises:
        DataError: if the folder, classes or images are missing, or some classes seem to be spread over several
            folders, such as ``train`` and ``test`` further down.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give one that holds a folder of images for each class")
    if (divided := _divided(root)) is not None:
        return load_divided(split, divided, preprocessing, cache_dir=cache_dir)
    classes = _scan_and_report(root)
    found = [entry.name for entry in classes]
    if twice := parted(found):
        raise DataError(
            f"{root} seems to hold {len(twice)} classes more than once, for example as {' and '.join(twice[0])}; "
            "put all images of a class into one folder, or divide the classes, not each class's images, into "
            "folders train, val and test"
        )
    names = split_names(found, seed, str(root))[split]
    return read_classes([entry for entry in classes if entry.name in names], preprocessing, cache_dir=cache_dir)


def load_divided(
    split: Split, root: Path, preprocessing: Preprocessing, *, cache_dir: Path | None = DEFAULT_FOLDER
) -> ClassImages:
    """Read the classes in the split's own folder, and no others.

    Raises:
        DataError: if the split's folder, classes or images are missing.
    """
    return read_classes(_scan_and_report(_split_folder(root, split)), preprocessing, cache_dir=cache_dir)


def scan(root: Path) -> Tree:
    """Find the classes below a folder; a class's group is the path of the folder above it, "" at the top."""
    classes: list[ClassFiles] = []
    ignored: list[Path] = []
    empty: list[Path] = []
    waiting = [(root, frozenset((root.resolve(),)))]
    while waiting:
        folder, above = waiting.pop()
        images: list[Path] = []
        is_leaf = True
        for entry in folder.iterdir():
            if entry.is_dir():
                is_leaf = False
                # Links to folders are followed, except back to a folder above.
                if not is_hidden(entry) and (real := entry.resolve()) not in above:
                    waiting.append((entry, above | {real}))
            elif is_hidden(entry) or entry.suffix.lower() not in SUFFIXES or is_special(entry):
                ignored.append(entry)
            else:
                images.append(entry)
        if folder == root:
            ignored += images  # images beside the class folders belong to no class
        elif images:
            path = folder.relative_to(root)
            group = "" if path.parent == Path() else path.parent.as_posix()
            classes.append(ClassFiles(path.as_posix(), group, tuple(images)))
        elif is_leaf:
            empty.append(folder)
    return Tree(tuple(sorted(classes, key=lambda entry: entry.name)), tuple(ignored), tuple(empty))


def held_out(classes: int) -> int:
    """How many of ``classes`` classes validation and test each get."""
    return max(_LEAST_CLASSES, round(HELD_OUT * classes))


def split_names(names: list[str], seed: int, where: str) -> dict[Split, frozenset[str]]:
    """Divide class names into disjoint splits by a seed.

    Raises:
        DataError: if there are too few for two in each; ``where`` names the folder in the message.
    """
    least = _LEAST_CLASSES * len(SPLITS)
    if len(names) < least:
        raise DataError(
            f"{where} holds {len(names)} classes, at least {least} are needed to divide them into train, "
            "validation and test; add classes, or divide them yourself into folders train, val and test"
        )
    each, order = held_out(len(names)), shuffled(names, seed)
    return {
        "validation": frozenset(order[:each]),
        "test": frozenset(order[each : 2 * each]),
        "train": frozenset(order[2 * each :]),
    }


def _scan_and_report(root: Path) -> tuple[ClassFiles, ...]:
    tree = scan(root)
    for told in (*files_told(root, tree.ignored), *folders_told(root, tree.empty)):
        _warn_once(f"{root}: {told}")
    if not tree.classes:
        raise DataError(f"{root} holds no folder with images ({', '.join(sorted(SUFFIXES))})")
    return tree.classes


@functools.cache
def _warn_once(warning: str) -> None:
    """Log a warning, but not again: a command reads the same tree for each split."""
    _log.warning("%s", warning)


def _split_of(folder: Path) -> Split | None:
    return next((split for split, names in _FOLDERS.items() if folder.name.lower() in names), None)


def _divided(root: Path) -> Path | None:
    """The folder that holds those of the splits: the top, or one below single folders, as archives unpack to."""
    if _is_divided(root):
        return root
    above: set[Path] = set()
    while len(inner := _visible(root)) == 1 and not _holds_images(inner[0]) and inner[0].resolve() not in above:
        root = inner[0]
        above.add(root.resolve())
        # Down here, a lone folder with the name of a split may be any folder: the seed divides its classes.
        if len({_split_of(folder) for folder in _visible(root)} - {None}) > 1 and _is_divided(root):
            return root
    return None


def _is_divided(root: Path) -> bool:
    folders = _visible(root)
    named = [folder for folder in folders if _split_of(folder)]
    # Other folders (lists, archives) may lie beside those of two splits: dividing such a tree by the seed would
    # put training classes into the test split.
    enough = len({_split_of(folder) for folder in named}) > 1 or len(named) == len(folders)
    # If all of them directly hold images, they are classes: "train" may be a vehicle.
    return enough and any(not _holds_images(folder) for folder in named)


def _holds_images(folder: Path) -> bool:
    return any(entry.suffix.lower() in SUFFIXES and not is_hidden(entry) for entry in folder.iterdir())


def _split_folder(root: Path, split: Split) -> Path:
    found = [folder for folder in _visible(root) if _split_of(folder) == split]
    if beside := [folder.name for folder in _visible(root) if _split_of(folder) is None]:
        _warn_once(f"{root}: {', '.join(beside)} left out, beside the folders of the splits")
    if len(found) != 1:
        held = ", ".join(folder.name for folder in _visible(root))
        raise DataError(
            f"{root} is divided into {held}, the {split} split needs one folder named "
            f"{' or '.join(_FOLDERS[split])} in it, with a folder of images for each class"
        )
    return found[0]


def _visible(root: Path) -> list[Path]:
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not is_hidden(entry))
