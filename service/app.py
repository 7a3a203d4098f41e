"""The FastAPI application: routes, middleware, and the lifetime of the components behind them."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from fastapi import Depends, FastAPI

from service.components import running
from service.metrics import Metrics
from service.middleware.head import HeadAsGet
from service.middleware.known_hosts import KnownHosts
from service.middleware.request_metrics import RequestMetrics
from service.middleware.same_origin import SameOrigin
from service.middleware.security_headers import SecurityHeaders
from service.middleware.unexpected_errors import UnexpectedErrors
from service.problems import install_handlers
from service.routes import classify, document, examples, jobs, models, operations, page, tasks
from service.routes.parameters import check_parameters
from service.routes.refusals import FAULTY
from service.settings import Settings
from service.store.busy import install_busy_handler
from service.uploads.body_limit import BodyLimit

VERSION = "0.1.0"
_DESCRIPTION = """\
Classifies images into your own classes, of which it has seen a handful of examples each. Send labelled images
with those to classify, and nothing is kept; or make a task of them, ask it at any time, change its examples, and
hand it whole archives to score as jobs.

Images come as files of a form or in JSON as base64. What is wrong with a request is answered by
`application/problem+json`, which names the file or field at fault and says what to do. Fields and query
parameters that a route does not take are refused, too.

Limits of this service: a body has at most {max_request_bytes} bytes (a job's form {max_archive_bytes}) and
arrives within {upload_s:g} s; a request has at most {max_files} files (a job {max_archive_entries}), of at most
{max_file_bytes} bytes each; an image has at most {max_pixels} pixels, a task {max_ways} classes and
{max_examples} examples.
"""


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
        version=VERSION,
        description=_DESCRIPTION.format(**asdict(settings)),
        license_info={"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        lifespan=life,
        openapi_url=None,  # add_document serves the document
        generate_unique_id_function=lambda route: route.name,  # good names for the methods of generated clients
        servers=[{"url": "."}],
        responses=FAULTY,
    )
    for routes in (classify, tasks, examples, jobs, models):
        app.include_router(routes.router, dependencies=[Depends(check_parameters)])
    app.include_router(page.router)
    operations.add_metrics(app, metrics)
    document.add_document(app)
    operations.add_unknown(app)
    install_handlers(app)
    install_busy_handler(app)
    # The middleware added last is the outermost.
    app.add_middleware(HeadAsGet)
    app.add_middleware(SameOrigin)
    app.add_middleware(KnownHosts, hosts=settings.hosts)
    app.add_middleware(BodyLimit, settings=settings)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(UnexpectedErrors)
    app.add_middleware(RequestMetrics, metrics=metrics)
    return app


def _settle() -> None:
    """Exempt what is loaded so far from garbage collection: tracing it again and again delays some answers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
