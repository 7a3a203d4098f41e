"""Words what a tree of class folders holds besides the images of its classes: why it is left out, what to do."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from models.images.image_decoding import SUFFIXES
from training.first_ones import first_ones
from training.printable import printable

_FORMATS = ("PNG", "JPEG", "WebP", "BMP")  # as users know image_decoding.FORMATS


def is_hidden(entry: Path) -> bool:
    """Whether it is hidden by its name, as what systems and editors add to folders is."""
    return entry.name.startswith(".")


def is_special(entry: Path) -> bool:
    """Whether it is, say, a pipe, which reading would wait for. A broken link is none: reading it reports it."""
    return not entry.is_file() and entry.exists()


def files_told(root: Path, ignored: Sequence[Path]) -> Iterator[str]:
    """Yield a line for each reason for which files below ``root`` are left out."""
    hidden = [path for path in ignored if is_hidden(path)]
    rest = [path for path in ignored if not is_hidden(path)]
    unread = [path for path in rest if path.suffix.lower() not in SUFFIXES]
    rest = [path for path in rest if path.suffix.lower() in SUFFIXES]
    special = [path for path in rest if is_special(path)]
    beside = [path for path in rest if not is_special(path)]
    if unread:
        kinds = Counter(path.suffix.lower() or "without a suffix" for path in unread).most_common()
        counted = first_ones([f"{count} {printable(kind)}" for kind, count in kinds])
        remedy = "convert it if it is an image" if len(unread) == 1 else "convert those that are images"
        out = _out(root, unread, f" ({counted})")
        yield f"{out}: only {', '.join(_FORMATS[:-1])} and {_FORMATS[-1]} are read; {remedy}"
    for paths, one, many in (
        (hidden, "it is hidden", "they are hidden"),
        (special, "it is a pipe or a device", "they are pipes or devices"),
        (beside, "it is in no class's folder", "they are in no class's folder"),
    ):
        if paths:
            yield f"{_out(root, paths)}: {one if len(paths) == 1 else many}"


def folders_told(root: Path, empty: Sequence[Path]) -> Iterator[str]:
    """Yield a line on the folders below ``root`` that hold neither images nor folders, if there are any."""
    if empty:
        held = f"no {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]} image"
        if len(empty) == 1:
            yield f"{_first(root, empty)} holds {held} and is no class"
        else:
            yield f"{len(empty)} folders such as {_first(root, empty)} hold {held} and are no classes"


def _out(root: Path, paths: Sequence[Path], counted: str = "") -> str:
    if len(paths) == 1:
        return f"{_first(root, paths)} was left out"
    return f"{len(paths)} files{counted} such as {_first(root, paths)} were left out"


def _first(root: Path, paths: Sequence[Path]) -> str:
    return printable(str(min(paths).relative_to(root)))
