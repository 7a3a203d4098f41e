"""The FastAPI application: routes, middleware, and the life of the components behind them."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from service.answers import ProblemAnswer
from service.components import running
from service.metrics import Metrics, RequestMetrics
from service.problems import MEDIA_TYPE, UnexpectedErrors, install_handlers
from service.routes import classify, jobs, models, operations, page, tasks
from service.settings import Settings
from service.uploads.body_limit import BodyLimit

_PROBLEM = {"description": "what is wrong, and what to do", "content": {MEDIA_TYPE: {}}, "model": ProblemAnswer}


def create_app(settings: Settings) -> FastAPI:
    """Make the application; its components start and stop with it."""
    metrics = Metrics()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        with running(settings, metrics) as components:
            app.state.components = components
            _settle()
            yield

    app = FastAPI(
        title="Metashot",
        summary="Few-shot image classification",
        lifespan=life,
        openapi_url=None,  # BentoML serves the document, with its own routes in it, as /docs.json
        responses={"4XX": _PROBLEM},
    )
    for routes in (classify, tasks, jobs, models, page):
        app.include_router(routes.router)
    operations.add_metrics(app, metrics)
    operations.add_unknown(app)
    install_handlers(app)
    # The last added is the outermost.
    app.add_middleware(BodyLimit, settings=settings)
    app.add_middleware(page.SecurityHeaders)
    app.add_middleware(UnexpectedErrors)
    app.add_middleware(RequestMetrics, metrics=metrics)
    return app


def _settle() -> None:
    """Spare the collector what is loaded by now: tracing it again and again makes the slowest answers slow."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
