"""Rows of many images, as jobs and the command line give them: no image spoils another's row."""

import logging
from collections.abc import Callable, Sequence

from torch import Tensor

from service.computing.classifier import Classifier
from service.computing.memory_errors import ImageMemoryError, memory_errors
from service.problems import Problem
from service.results import Row
from service.uploads.images import decode
from service.uploads.labels import one_line

logger = logging.getLogger("metashot")
Image = tuple[str, Callable[[], bytes]]  # how its row names it, and what reads its file


def rows_of(classifier: Classifier, images: Sequence[Image], max_pixels: int) -> list[Row]:
    """Give a row for each image, in their order: its answer, or ``filename`` with ``error``.

    Args:
        classifier: answers.
        images: one after the other is read; a Problem that reading raises is its row's error, and anything else
            ends the work.
        max_pixels: width x height that an image may have.

    Raises:
        ImageMemoryError: naming the image whose reading or preparation memory did not suffice for.
    """
    errors: dict[int, Row] = {}
    prepared = []
    for place, (filename, read) in enumerate(images):
        try:
            prepared.append((filename, _pixels(classifier, read(), filename, max_pixels)))
        except Problem as problem:
            errors[place] = {"filename": filename, "error": one_line(problem.detail)}
        except MemoryError as error:
            raise ImageMemoryError(filename) from error
    found = iter(classifier.answers(prepared, lambda: None))
    return [errors[place] if place in errors else next(found) for place in range(len(images))]


def _pixels(classifier: Classifier, content: bytes, filename: str, max_pixels: int) -> Tensor:
    """Preprocess one image; whatever goes wrong is a Problem of this one, but for want of memory."""
    try:
        with memory_errors():
            return classifier.preprocessing(decode(content, filename, max_pixels=max_pixels))
    except (Problem, MemoryError):
        raise
    except Exception as error:
        logger.exception("could not prepare %s", filename)
        detail = f"{filename} could not be prepared ({type(error).__name__}: {error}); send it in another format"
        raise Problem(422, detail, title="Unusable image", file=filename) from error
