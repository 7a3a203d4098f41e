"""``/v1/tasks``: kept classifiers."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from models.choice import AUTO
from service.answers import PredictionsAnswer, TaskAnswer, TaskListAnswer, WholeTaskAnswer
from service.components import Components, Parts
from service.problems import Problem, not_found
from service.registry import check_kept
from service.routes.classify import predictions
from service.routes.refusals import COMPUTING, STORING
from service.routes.request_bodies import ADD, ASK, CREATE, KEEP
from service.routes.successes import MADE
from service.store.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.store.task_store import StoredExample
from service.uploads.intake import ASKING, MAKING, NAMING, read_upload
from service.uploads.labels import canonical

router = APIRouter(prefix="/v1/tasks", tags=["tasks"], responses=STORING)
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Temporary = Annotated[bool, Query(description="list instead the tasks that were made with expires_in")]


@router.post(
    "", status_code=201, response_model=WholeTaskAnswer, openapi_extra=CREATE, responses={**COMPUTING, **MADE}
)
async def create(request: Request, response: Response, parts: Parts) -> WholeTaskAnswer:
    """Fit a classifier to labelled images and keep it: for good, or with ``expires_in`` as long as it is used."""
    upload = await read_upload(request, parts.settings, wants=frozenset({"support"}), fields=MAKING)
    model = upload.fields.get("model", AUTO)
    name = upload.fields.get("name")
    task_id = await parts.classifiers.create(name, model, upload.support, upload.expires_in)
    response.headers["Location"] = f"/v1/tasks/{task_id}"
    return await _shown(parts, task_id)


@router.get("")
def list_tasks(
    parts: Parts, limit: Limit = DEFAULT_LIMIT, cursor: str | None = None, temporary: Temporary = False
) -> TaskListAnswer:
    """List kept classifiers, newest first."""
    page = parts.tasks.page(limit, cursor, temporary=temporary)
    return TaskListAnswer(items=[TaskAnswer.of(task) for task in page.items], next_cursor=page.next_cursor)


@router.get("/{task_id}")
async def show(task_id: str, parts: Parts) -> WholeTaskAnswer:
    """Show one kept classifier with its examples."""
    return await _shown(parts, task_id)


@router.post("/{task_id}/keep", response_model=WholeTaskAnswer, openapi_extra=KEEP)
async def keep(task_id: str, request: Request, parts: Parts) -> WholeTaskAnswer:
    """Keep a temporary task for good, under a name; a task that is kept already gets that name."""
    parts.tasks.version(task_id)
    upload = await read_upload(request, parts.settings, wants=frozenset(), fields=NAMING)
    if "name" not in upload.fields:
        detail = "there is no 'name'; send the one to keep the task under"
        raise Problem(422, detail, title="Missing field", field="name")
    await run_in_threadpool(parts.tasks.keep, task_id, upload.fields["name"])
    return await _shown(parts, task_id)


@router.delete("/{task_id}", status_code=204)
def delete(task_id: str, parts: Parts) -> None:
    """Delete a kept classifier and its examples; its jobs continue."""
    parts.classifiers.delete(task_id)


@router.post("/{task_id}/examples", response_model=WholeTaskAnswer, openapi_extra=ADD, responses=COMPUTING)
async def add_examples(task_id: str, request: Request, parts: Parts) -> WholeTaskAnswer:
    """Add labelled images, of the classes it has or of new ones, and refit the classifier."""
    task = parts.tasks.version(task_id)
    upload = await read_upload(request, parts.settings, wants=frozenset({"support"}))
    check_kept(upload.fields.get("model", AUTO), task.model)
    await parts.classifiers.add(task_id, upload.support)
    return await _shown(parts, task_id)


@router.delete("/{task_id}/examples/{example_id}", responses=COMPUTING)
async def delete_example(task_id: str, example_id: str, parts: Parts) -> WholeTaskAnswer:
    """Delete one example and refit the classifier; at least two classes must remain."""

    def removal(stored: Sequence[StoredExample]) -> set[str]:
        if all(one.id != example_id for one in stored):
            raise not_found("example", example_id)
        return {example_id}

    await parts.classifiers.remove(task_id, removal)
    return await _shown(parts, task_id)


@router.delete("/{task_id}/classes/{label:path}", responses=COMPUTING)
async def delete_class(task_id: str, label: str, parts: Parts) -> WholeTaskAnswer:
    """Delete a class with its examples; at least two classes must remain. Labels may contain slashes."""
    kept_as = canonical(label)

    def removal(stored: Sequence[StoredExample]) -> set[str]:
        of_class = {one.id for one in stored if one.label == kept_as}
        if not of_class:
            raise not_found("class", label)
        return of_class

    await parts.classifiers.remove(task_id, removal)
    return await _shown(parts, task_id)


@router.post("/{task_id}/classify", response_model=PredictionsAnswer, openapi_extra=ASK, responses=COMPUTING)
async def classify(task_id: str, request: Request, parts: Parts) -> JSONResponse:
    """Classify images with a kept classifier."""
    task = parts.tasks.version(task_id)
    upload = await read_upload(request, parts.settings, wants=frozenset({"query"}), fields=ASKING)
    check_kept(upload.fields.get("model", AUTO), task.model)
    return predictions(*await parts.classifiers.answer(task, upload.queries, upload.keep_known))


async def _shown(parts: Components, task_id: str) -> WholeTaskAnswer:
    return WholeTaskAnswer.whole(*await run_in_threadpool(parts.tasks.snapshot, task_id))
