"""Omniglot: 1,623 handwritten characters of 50 alphabets, each drawn by 20 people (Lake et al. 2015).

The splits consist of whole alphabets. ``test`` is the 20 evaluation alphabets; of the 30 background alphabets,
five that were chosen once by a seed are ``validation`` and the others ``train``.
"""

import zipfile
from pathlib import Path
from typing import Literal

from models.images.preprocessing import Preprocessing
from models.torchvision_operators import declare_missing
from training.datasets.class_images import ClassImages, DataError
from training.datasets.image_cache import DEFAULT_FOLDER
from training.datasets.image_files import ClassFiles, read_classes
from training.datasets.left_out import is_hidden
from training.datasets.splits import Split

Part = Literal["images_background", "images_evaluation"]

VALIDATION_SEED = 0
# shuffled(BACKGROUND_ALPHABETS, VALIDATION_SEED)[:5], drawn before anything was trained and not to be redrawn.
VALIDATION_ALPHABETS = (
    "Alphabet_of_the_Magi",
    "Anglo-Saxon_Futhorc",
    "Early_Aramaic",
    "Greek",
    "Japanese_(katakana)",
)
BACKGROUND_ALPHABETS = (
    "Alphabet_of_the_Magi",
    "Anglo-Saxon_Futhorc",
    "Arcadian",
    "Armenian",
    "Asomtavruli_(Georgian)",
    "Balinese",
    "Bengali",
    "Blackfoot_(Canadian_Aboriginal_Syllabics)",
    "Braille",
    "Burmese_(Myanmar)",
    "Cyrillic",
    "Early_Aramaic",
    "Futurama",
    "Grantha",
    "Greek",
    "Gujarati",
    "Hebrew",
    "Inuktitut_(Canadian_Aboriginal_Syllabics)",
    "Japanese_(hiragana)",
    "Japanese_(katakana)",
    "Korean",
    "Latin",
    "Malay_(Jawi_-_Arabic)",
    "Mkhedruli_(Georgian)",
    "N_Ko",
    "Ojibwe_(Canadian_Aboriginal_Syllabics)",
    "Sanskrit",
    "Syriac_(Estrangelo)",
    "Tagalog",
    "Tifinagh",
)

# An unpacked tree; what torchvision and learn2learn download; the same inside omniglot/; the data folder itself.
_LAYOUTS = ("omniglot", "omniglot-py", "omniglot/omniglot-py", ".")
_DOWNLOADED = "omniglot-py"


def load(
    split: Split,
    data_dir: Path,
    preprocessing: Preprocessing,
    *,
    download: bool = False,
    cache_dir: Path | None = DEFAULT_FOLDER,
) -> ClassImages:
    """Read the characters of one split; a class is named ``Alphabet/characterNN`` and grouped by alphabet.

    Args:
        split: ``train``, ``validation`` (both from the background alphabets) or ``test``.
        data_dir: holds the drawings in ``omniglot``, ``omniglot-py`` or ``omniglot/omniglot-py``, or directly.
        preprocessing: from drawing to levels.
        download: if drawings are missing, fetch them through torchvision (10 MB a part).
        cache_dir: see ``read_classes``.

    Raises:
        DataError: if drawings are missing or were only partly unpacked, or the download failed.
    """
    part: Part = "images_evaluation" if split == "test" else "images_background"
    found = _find(data_dir, part)
    root = next((root for root in found if not _unpacked_in_part(root)), None)
    if root is None:
        if not download:
            raise _lacking(data_dir, part, found)
        root = _fetch(data_dir, part)
    classes = [entry for entry in _characters(root) if _belongs(entry.group, split)]
    if not classes:
        raise DataError(
            f"{root} holds no alphabet of the {split} split; validation takes "
            f"{', '.join(VALIDATION_ALPHABETS)} and train the other background alphabets"
        )
    return read_classes(classes, preprocessing, cache_dir=cache_dir)


def _fetch(data_dir: Path, part: Part) -> Path:
    declare_missing()
    from torchvision.datasets import Omniglot  # slow to import, and only downloads need it
    from torchvision.datasets.utils import check_integrity, extract_archive

    folder = data_dir / _DOWNLOADED
    archive = folder / f"{part}.zip"
    try:
        if check_integrity(archive, Omniglot.zips_md5[part]):
            # If the archive is complete, torchvision does nothing, though unpacking it may have been cut off.
            extract_archive(archive, folder)
        else:
            Omniglot(data_dir, background=part == "images_background", download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"Omniglot's {part} could not be downloaded into {folder} ({error}); check the network and the "
            f"space on the disk, or put the unpacked tree at {data_dir / 'omniglot' / part}"
        ) from error
    return folder / part


def _belongs(alphabet: str, split: Split) -> bool:
    return split == "test" or (alphabet in VALIDATION_ALPHABETS) == (split == "validation")


def _characters(root: Path) -> list[ClassFiles]:
    return [
        ClassFiles(f"{alphabet.name}/{character.name}", alphabet.name, _drawings(character))
        for alphabet in _folders(root)
        for character in _folders(alphabet)
    ]


def _drawings(character: Path) -> tuple[Path, ...]:
    # Beside each file of such names, macOS puts a hidden one, "._" before its name, on disks of other systems.
    return tuple(path for path in character.glob("*.png") if not is_hidden(path))


def _folders(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not is_hidden(entry))


def _find(data_dir: Path, part: Part) -> list[Path]:
    """The folders that hold alphabets of this part, in order of preference."""
    roots = (data_dir / layout / part for layout in _LAYOUTS)
    return [root for root in roots if root.is_dir() and _folders(root)]


def _unpacked_in_part(root: Path) -> bool:
    """Whether a download left an archive beside the tree that is damaged or holds drawings the tree lacks."""
    archive = root.with_name(f"{root.name}.zip")
    if not archive.is_file():
        return False
    try:
        with zipfile.ZipFile(archive) as stored:
            names = [name for name in stored.namelist() if name.endswith(".png")]
    except zipfile.BadZipFile:
        return True
    return not all((root.parent / name).is_file() for name in names)


def _lacking(data_dir: Path, part: Part, found: list[Path]) -> DataError:
    remedy = (
        f"unpack {part}.zip of github.com/brendenlake/omniglot so that "
        f"{data_dir / 'omniglot' / part}/<Alphabet>/<characterNN>/*.png exist, or repeat the command with "
        f"--download on a machine with a network"
    )
    if not found:
        return DataError(f"{data_dir} does not hold Omniglot's {part}; {remedy}")
    return DataError(f"{found[0]} lacks drawings that {part}.zip beside it holds; {remedy}")
