"""From images to a classifier's answers, one decoded image in memory at a time."""

from collections.abc import Callable, Iterable, Sequence

from torch import Tensor

from models.initialization import Initialization
from models.preprocessing import Preprocessing
from service.classifier import Answer, Classifier, Shot, digest_of, fit
from service.colourfulness import are_colourful
from service.intake import Example, Query
from service.registry import Registry

_LOOKED_AT = 32  # support images that decide between photographs and drawings
Check = Callable[[], None]
Prepared = tuple[str, Tensor]  # a query's file name and its pixels [C, H, W]


def choose(registry: Registry, model: str, examples: Sequence[Example]) -> Initialization:
    """Find the initialization for a support set; raises a Problem for an unknown name."""

    def colourful() -> bool:
        in_order = sorted(examples, key=lambda one: digest_of(one.content))
        step = -(-len(in_order) // _LOOKED_AT)
        return are_colourful(one.image for one in in_order[::step])

    return registry.choose(model, colourful)


def fit_examples(
    initialization: Initialization, examples: Iterable[tuple[str | None, Example]], check: Check
) -> Classifier:
    """Fit a classifier.

    Args:
        initialization: to start from.
        examples: each with the id under which it is stored, if it is.
        check: called often; raises when the time is up.
    """
    shots = []
    for identity, example in examples:
        check()
        pixels = initialization.preprocessing(example.image)
        shots.append(Shot(example.label, example.filename, identity, digest_of(example.content), pixels))
    return fit(initialization, shots, lambda _: check())


def prepare(preprocessing: Preprocessing, queries: Iterable[Query], check: Check) -> list[Prepared]:
    """Decode and preprocess queries; raises a Problem that names the first that is no image."""
    prepared = []
    for query in queries:
        check()
        prepared.append((query.filename, preprocessing(query.image)))
    return prepared


def answer_all(classifier: Classifier, prepared: Iterable[Prepared], check: Check) -> list[Answer]:
    """Classify images, in their order."""
    answers = []
    for filename, pixels in prepared:
        check()
        answers.append(classifier.answer(filename, pixels))
    return answers
