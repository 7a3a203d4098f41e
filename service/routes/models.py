"""``GET /v1/models``: the initializations on offer."""

from fastapi import APIRouter

from service.answers import ModelAnswer, ModelListAnswer
from service.components import Parts

router = APIRouter(tags=["models"])


@router.get("/v1/models")
def list_models(parts: Parts) -> ModelListAnswer:
    """List the initializations that ``model`` may name."""
    return ModelListAnswer(
        items=[ModelAnswer(name=one.name, version=one.version, card=one.card) for one in parts.registry.offered]
    )
