"""``GET /v1/models``: the initializations on offer."""

import json
from typing import Any

from fastapi import APIRouter

from service.answers import ModelAnswer, ModelListAnswer
from service.components import Parts

router = APIRouter(tags=["models"])


@router.get("/v1/models", summary="List models", response_description="all initializations on offer")
def list_models(parts: Parts) -> ModelListAnswer:
    """List the initializations that ``model`` may name."""
    return ModelListAnswer(
        items=[
            ModelAnswer(name=one.name, version=one.version, card=_legible(one.card))
            for one in parts.registry.offered
        ]
    )


def _legible(card: dict[str, Any]) -> dict[str, Any]:
    """Put ``?`` for lone surrogates, which names that are no UTF-8 leave, and which no answer can hold."""
    legible: dict[str, Any] = json.loads(json.dumps(card, ensure_ascii=False).encode(errors="replace"))
    return legible
