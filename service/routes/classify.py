"""``POST /v1/classify``: support and queries in one request, nothing kept."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from models.choice import AUTO
from service.answers import PredictionsAnswer
from service.components import Parts
from service.computing.classifier import Answer, Classifier
from service.routes.refusals import COMPUTING
from service.routes.request_bodies import CLASSIFY
from service.uploads.intake import ASKING, read_upload

router = APIRouter(tags=["classify"], responses=COMPUTING)


@router.post("/v1/classify", response_model=PredictionsAnswer, openapi_extra=CLASSIFY)
async def classify(request: Request, parts: Parts) -> JSONResponse:
    """Fit a classifier to the labelled images and classify the query images with it; nothing is kept."""
    upload = await read_upload(request, parts.settings, wants=frozenset({"support", "query"}), fields=ASKING)
    model = upload.fields.get("model", AUTO)
    return predictions(
        *await parts.classifiers.answer_once(model, upload.support, upload.queries, upload.keep_known)
    )


def predictions(classifier: Classifier, answers: list[Answer]) -> JSONResponse:
    """Show answers as they are: plain JSON values, which need no copy through a response model."""
    return JSONResponse({"model": classifier.model, "estimate": classifier.estimated(), "predictions": answers})
