"""A request's work without HTTP, from files to answers: by our engine's functions, and by the plain learner's."""

import io
from collections.abc import Iterator

import torch
from PIL import Image
from torch import Tensor

from benchmarks.drawings import DrawnTask
from benchmarks.plain_learner import Moves, PlainLearner
from models.initialization import Initialization
from service.computing.classifier import Answer
from service.computing.fitting import Shot, fit
from service.computing.preparation import prepare, shots_of
from service.settings import Settings
from service.uploads.images import Example, Query

_MAX_PIXELS = Settings().max_pixels


def ours(initialization: Initialization, task: DrawnTask) -> list[Answer]:
    """Answer as ``POST /v1/classify`` does."""
    queries = [Query(f"query{place}", file, _MAX_PIXELS) for place, file in enumerate(task.queries)]
    prepared = prepare(initialization.preprocessing, queries, _no_deadline)
    return fit(initialization, shots(initialization, task), _no_deadline).answers(prepared, _no_deadline)


def shots(initialization: Initialization, task: DrawnTask) -> list[Shot]:
    """A task's support set as the engine takes it."""
    examples = [
        Example(f"example{place}", file, _MAX_PIXELS, label=label)
        for place, (label, file) in enumerate(task.support)
    ]
    return shots_of(initialization, [(None, one) for one in examples], _no_deadline)


def plain(learner: PlainLearner, initialization: Initialization, task: DrawnTask, moves: Moves) -> Tensor:
    """Answer as the plain service does: probabilities ``[Q, N]``, classes in the order of their names."""
    names = sorted({label for label, _ in task.support})
    labels = torch.tensor([names.index(label) for label, _ in task.support])

    def pixels(files: Iterator[bytes]) -> Tensor:
        return torch.stack([initialization.preprocessing(Image.open(io.BytesIO(file))) for file in files])

    support, queries = pixels(file for _, file in task.support), pixels(iter(task.queries))
    return learner.classify(support, labels, queries, moves)


def _no_deadline() -> None:
    pass
