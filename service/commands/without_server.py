"""Fits a classifier to image files and classifies others, within the command's own process."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from service.computing.choosing import prepare_support
from service.computing.classifier import AT_ONCE, Classifier
from service.computing.fitting import fit
from service.computing.rows import rows_of
from service.computing.support_checks import check_classes
from service.problems import Problem
from service.registry import open_registry
from service.results import Row
from service.settings import Settings
from service.uploads.images import Example
from service.uploads.keep_known import read_keep_known
from service.uploads.labels import clean_label


def fitted(
    labelled: Sequence[tuple[str, Path]], model: str, keep_known: float | None, settings: Settings
) -> Classifier:
    """Fit a classifier to labelled files.

    Args:
        labelled: pairs of label and file.
        model: an initialization's name, or ``auto``.
        keep_known: share of images of its classes that shall not be flagged unknown; None gives the default.
        settings: the limits, and the data folder with the user's own initializations.

    Raises:
        Problem: naming the file at fault, if one is.
        OSError: if a file cannot be read.
    """
    share = read_keep_known(keep_known)
    labels = [clean_label(label, field="--support", file=str(path)) for label, path in labelled]
    check_classes(labels, settings)
    support = [
        Example(str(path), path.read_bytes(), settings.max_pixels, label=label)
        for label, (_, path) in zip(labels, labelled, strict=True)
    ]
    given = [(None, one) for one in support]
    initialization, shots = prepare_support(open_registry(settings.data_dir), model, given, _unhurried)
    return replace(fit(initialization, shots, _unhurried), keep_known=share)


def answered(classifier: Classifier, files: Sequence[Path], settings: Settings) -> Iterator[Row]:
    """Give a row for each file, in order: its answer, or ``filename`` with ``error``.

    Only a few files are in memory at a time.
    """
    left = iter(files)
    while some := list(islice(left, AT_ONCE)):
        images = [(str(path), partial(_read, path)) for path in some]
        yield from rows_of(classifier, images, settings.max_pixels)


def _read(path: Path) -> bytes:
    """Read a file, or raise a Problem that names it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Problem(422, f"{path} cannot be read: {error.strerror}") from error


def _unhurried() -> None:
    """Serve as a deadline check that always passes: no caller waits."""
