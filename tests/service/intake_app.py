"""An application that only takes requests in, and tells what it understood."""

import base64
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response

from service.middleware.unexpected_errors import UnexpectedErrors
from service.problems import install_handlers
from service.settings import Settings
from service.uploads.body_limit import BodyLimit
from service.uploads.images import Query
from service.uploads.intake import MAKING, read_upload
from service.uploads.job_input import open_job_input, receive_job_input


def make_app(settings: Settings, folder: Path) -> FastAPI:
    app = FastAPI()
    app.state.folder = folder
    install_handlers(app)
    app.add_middleware(BodyLimit, settings=settings)
    app.add_middleware(UnexpectedErrors)

    def told(one: Query) -> dict[str, Any]:
        size = list(one.image.size)
        return {"filename": one.filename, "label": getattr(one, "label", None), "size": size, "field": one.field}

    @app.post("/both")
    async def both(request: Request) -> dict[str, Any]:
        upload = await read_upload(request, settings, wants=frozenset({"support", "query"}), fields=MAKING)
        support, queries = [told(one) for one in upload.support], [told(one) for one in upload.queries]
        return {"support": support, "query": queries, "fields": upload.fields}

    @app.post("/query")
    async def query(request: Request) -> dict[str, Any]:
        upload = await read_upload(request, settings, wants=frozenset({"query"}), fields=frozenset())
        return {"query": [told(one) for one in upload.queries]}

    @app.post("/v1/tasks/{task}/jobs")
    async def job(request: Request, response: Response, task: str) -> dict[str, Any]:
        images, knobs = await receive_job_input(request, settings, folder)
        response.headers["knobs"] = f"{knobs.model} {knobs.keep_known}"
        with open_job_input(folder, settings) as archive:
            assert len(archive.names) == images
            return {name: base64.b64encode(archive.read(name)).decode() for name in archive.names}

    @app.post("/number/{number}")
    async def number(number: int) -> int:
        return 1 // number

    return app
