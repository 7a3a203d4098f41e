"""Turns uploaded images into the learner's input, decoding one at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import TypeVar

from PIL import Image
from torch import Tensor

from models.images.image_decoding import pixels_of
from models.images.preprocessing import Preprocessing
from models.initialization import Initialization
from models.learner import Learner
from service.computing.classifier import Check, Prepared
from service.computing.fitting import Shot
from service.uploads.images import Example, Query

Item = TypeVar("Item")
_TOGETHER = 16  # images per preprocessing call: every call waits for Python's lock when it returns
MANY_IMAGES = 200  # more images, or
_MANY_BYTES = 8 * 1024**2  # more bytes of files, take seconds to decode
_FEW_PIXELS, _FEW_OPERATIONS = 224 * 224, 2e8  # at most these take one thread about 4 ms,
_FEW_BYTES = 2 * _FEW_PIXELS  # unless the file is far larger than its pixels need


def shots_of(
    initialization: Initialization,
    examples: Iterable[tuple[str | None, Example]],
    check: Check,
    image: Callable[[Example], Image.Image] = attrgetter("image"),
) -> list[Shot]:
    """Decode (by ``image``) and preprocess examples, given as pairs of stored id (or None) and example."""
    shots = []
    for some in _some(examples):
        pixels = _pixels(initialization.preprocessing, [example for _, example in some], image, check)
        for (identity, example), of_one in zip(some, pixels, strict=True):
            shots.append(Shot(example.label, example.filename, identity, example.sha256, of_one))
    return shots


def prepare(preprocessing: Preprocessing, queries: Iterable[Query], check: Check) -> list[Prepared]:
    """Decode and preprocess queries; raises a Problem that names the first one that cannot be decoded."""
    prepared: list[Prepared] = []
    for some in _some(queries):
        pixels = _pixels(preprocessing, some, attrgetter("image"), check)
        prepared += zip((query.filename for query in some), pixels, strict=True)
    return prepared


def _some(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Give the items in lists of at most ``_TOGETHER``."""
    left = iter(items)
    while some := list(islice(left, _TOGETHER)):
        yield some


def _pixels(
    preprocessing: Preprocessing, items: Iterable[Item], image: Callable[[Item], Image.Image], check: Check
) -> tuple[Tensor, ...]:
    def images() -> Iterator[Image.Image]:
        for item in items:
            check()
            yield image(item)

    return preprocessing.many(images()).unbind()


def are_quick(queries: Sequence[Query], learner: Learner) -> bool:
    """Whether classifying takes only a few milliseconds: one small image, a network of few operations."""
    return (
        len(queries) == 1
        and learner.backbone.operations <= _FEW_OPERATIONS
        and len(queries[0].content) <= _FEW_BYTES
        and pixels_of(queries[0].content) <= _FEW_PIXELS
    )


def are_many(images: Sequence[Query]) -> bool:
    """Whether decoding takes so long that other callers should not wait behind it."""
    return len(images) > MANY_IMAGES or sum(len(image.content) for image in images) > _MANY_BYTES
