"""From uploaded images to what a learner takes, one decoded image in memory at a time."""

from collections.abc import Iterable, Sequence

from PIL import Image

from models import choice
from models.images.image_decoding import pixels_of
from models.images.preprocessing import Preprocessing
from models.initialization import Initialization
from models.learner import Learner
from service.computing.classifier import Check, Prepared
from service.computing.fitting import Shot, digest_of
from service.registry import Registry
from service.uploads.intake import Example, Query

MANY_IMAGES = 200  # take seconds to decode, or
_MANY_BYTES = 8 * 1024**2  # of files
_FEW_PIXELS, _FEW_OPERATIONS = 224 * 224, 2e8  # together about 4 ms of one thread


def choose(registry: Registry, model: str, examples: Sequence[Example], check: Check) -> Initialization:
    """Find the initialization for a support set; raises a Problem for an unknown name."""
    candidates = registry.candidates(model)
    if len(candidates) == 1:
        return candidates[0]
    in_order = sorted(examples, key=lambda one: digest_of(one.content))

    def image(index: int) -> Image.Image:
        check()
        return in_order[index].image

    return choice.choose(candidates, [one.label for one in in_order], image)


def shots_of(
    initialization: Initialization, examples: Iterable[tuple[str | None, Example]], check: Check
) -> list[Shot]:
    """Decode and preprocess support examples, each with the id under which it is stored, if it is."""
    shots = []
    for identity, example in examples:
        check()
        pixels = initialization.preprocessing(example.image)
        shots.append(Shot(example.label, example.filename, identity, digest_of(example.content), pixels))
    return shots


def prepare(preprocessing: Preprocessing, queries: Iterable[Query], check: Check) -> list[Prepared]:
    """Decode and preprocess queries; raises a Problem that names the first that is no image."""
    prepared = []
    for query in queries:
        check()
        prepared.append((query.filename, preprocessing(query.image)))
    return prepared


def are_quick(queries: Sequence[Query], learner: Learner) -> bool:
    """Whether to classify these images takes a few milliseconds: a small one, by a network of few operations."""
    return (
        len(queries) == 1
        and learner.backbone.operations <= _FEW_OPERATIONS
        and pixels_of(queries[0].content) <= _FEW_PIXELS
    )


def are_many(images: Sequence[Query]) -> bool:
    """Whether to decode these images takes so long that nobody else should wait for it."""
    return len(images) > MANY_IMAGES or sum(len(image.content) for image in images) > _MANY_BYTES
