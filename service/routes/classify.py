"""``POST /v1/classify``: support and queries in one request, nothing kept."""

import json

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from models.choice import AUTO
from service.answers import PredictionsAnswer
from service.components import Parts
from service.computing.classifier import Answer, Classifier
from service.routes.departures import while_present
from service.routes.refusals import COMPUTING
from service.routes.request_bodies import CLASSIFY
from service.uploads.intake import ASKING, read_upload

_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_FEW = 1000  # probabilities that are rendered in a few milliseconds
router = APIRouter(tags=["classify"], responses=COMPUTING)


@router.post(
    "/v1/classify",
    summary="Classify by labelled images",
    response_model=PredictionsAnswer,
    response_description="a prediction for each query image",
    openapi_extra=CLASSIFY,
)
async def classify(request: Request, parts: Parts) -> Response:
    """Fit a classifier to the labelled images and classify the query images with it; nothing is kept."""
    upload = await read_upload(request, parts.settings, wants=frozenset({"support", "query"}), fields=ASKING)
    model = upload.fields.get("model", AUTO)
    work = parts.classifiers.answer_once(model, upload.support, upload.queries, upload.keep_known)
    return await predictions(*await while_present(request, work))


async def predictions(classifier: Classifier, answers: list[Answer]) -> Response:
    """Show answers as they are: plain JSON values, which need no copy through a response model.

    Many are rendered on another thread, for which the event loop does not wait.
    """
    if len(answers) * len(classifier.labels) <= _FEW:
        return _rendered(classifier, answers)
    return await run_in_threadpool(_rendered, classifier, answers)


def _rendered(classifier: Classifier, answers: list[Answer]) -> Response:
    head = _json({"model": classifier.model, "estimate": classifier.estimated()})
    # One by one, as Python runs no other thread while it renders one.
    body = f'{head[:-1]},"predictions":[{",".join(map(_json, answers))}]}}'
    return Response(body.encode(), media_type="application/json")
