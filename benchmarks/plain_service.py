"""The baseline in serving: a plain BentoML service that clones a learn2learn MAML learner for each request.

Written as a competent engineer would without this project: native endpoints with typed inputs, the model
loaded once, a worker for each core, no gradient through the adaptation, support and query images in one
batch each. With torch's default number of threads, it was measured to be as fast for many callers as with one
thread per worker, and faster for one caller.
"""

import os

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "true")

import io
from typing import Any

import bentoml
import torch
from PIL import Image
from pydantic import Base64Bytes, BaseModel
from torch import Tensor

from benchmarks.plain_learner import Moves, PlainLearner
from models.initialization import load, shipped

MODEL = "characters"


class Drawing(BaseModel):
    """An image to classify."""

    image: Base64Bytes


class LabelledDrawing(Drawing):
    """A support example."""

    label: str


@bentoml.service(name="plain_few_shot", workers="cpu_count")
class PlainFewShot:
    """Few-shot classification of drawings."""

    def __init__(self) -> None:
        initialization = load(shipped()[MODEL])
        self._preprocessing = initialization.preprocessing
        self._learner = PlainLearner(initialization)

    @bentoml.api(route="/maml/classify")  # type: ignore[untyped-decorator]
    def classify(self, support: list[LabelledDrawing], query: list[Drawing]) -> dict[str, Any]:
        """Adapt the whole network to the support set, then classify."""
        return self._classified(support, query, "all")

    @bentoml.api(route="/anil/classify")  # type: ignore[untyped-decorator]
    def classify_by_head(self, support: list[LabelledDrawing], query: list[Drawing]) -> dict[str, Any]:
        """Adapt the head alone, then classify."""
        return self._classified(support, query, "head")

    def _classified(self, support: list[LabelledDrawing], query: list[Drawing], moves: Moves) -> dict[str, Any]:
        names = sorted({one.label for one in support})
        numbers = torch.tensor([names.index(one.label) for one in support])
        shares = self._learner.classify(self._pixels(support), numbers, self._pixels(query), moves)
        predictions = [
            {
                "label": names[max(range(len(row)), key=row.__getitem__)],
                "probability": max(row),
                "probabilities": dict(zip(names, row, strict=True)),
            }
            for row in shares.tolist()
        ]
        return {"model": MODEL, "predictions": predictions}

    def _pixels(self, drawings: list[LabelledDrawing] | list[Drawing]) -> Tensor:
        return torch.stack([self._preprocessing(Image.open(io.BytesIO(one.image))) for one in drawings])
