"""``/v1/tasks``: kept classifiers."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from models.choice import AUTO
from service.answers import (
    LeftOutAnswer,
    LeftOutListAnswer,
    PredictionsAnswer,
    TaskAnswer,
    TaskListAnswer,
    WholeTaskAnswer,
)
from service.components import Components, Parts
from service.problems import Problem, not_found
from service.registry import check_kept
from service.routes.classify import predictions
from service.routes.departures import while_present
from service.routes.refusals import COMPUTING, STORING
from service.routes.request_bodies import ASK, CREATE, KEEP
from service.routes.successes import MADE
from service.store.examples import StoredExample
from service.store.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.uploads.intake import ASKING, MAKING, NAMING, read_upload
from service.uploads.labels import canonical

router = APIRouter(prefix="/v1/tasks", tags=["tasks"], responses=STORING)
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="most items to list at once")]
Cursor = Annotated[str | None, Query(description="the last list's next_cursor, for what follows; none to begin")]
Temporary = Annotated[bool, Query(description="list instead the tasks that were made with expires_in")]
TaskId = Annotated[str, Path(description="the task's id")]
Version = Annotated[
    int | None,
    Query(ge=1, description="change the task only if it is still at this version; 409 says that it is not"),
]
Label = Annotated[str, Path(description="the class's label, which may contain slashes")]
TASK = "the task with its examples"


@router.post(
    "",
    status_code=201,
    summary="Make a task",
    response_model=WholeTaskAnswer,
    response_description=TASK,
    openapi_extra=CREATE,
    responses={**COMPUTING, **MADE},
)
async def create_task(request: Request, response: Response, parts: Parts) -> WholeTaskAnswer:
    """Fit a classifier to labelled images and keep it: for good, or with ``expires_in`` as long as it is used."""
    upload = await read_upload(request, parts.settings, wants=frozenset({"support"}), fields=MAKING)
    model = upload.fields.get("model", AUTO)
    name = upload.fields.get("name")
    work = parts.classifiers.create(name, model, upload.support, upload.expires_in)
    task_id = await while_present(request, work)
    response.headers["Location"] = f"/v1/tasks/{task_id}"
    return await shown(parts, task_id)


@router.get("", summary="List tasks", response_description="a page of tasks")
def list_tasks(
    parts: Parts, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, temporary: Temporary = False
) -> TaskListAnswer:
    """List kept classifiers, newest first."""
    page = parts.tasks.page(limit, cursor, temporary=temporary)
    return TaskListAnswer(items=[TaskAnswer.of(task) for task in page.items], next_cursor=page.next_cursor)


@router.get("/{task_id}", summary="Show a task", response_description=TASK)
async def show_task(task_id: TaskId, parts: Parts) -> WholeTaskAnswer:
    """Show one kept classifier with its examples."""
    return await shown(parts, task_id)


@router.get(
    "/{task_id}/left-out",
    summary="Show how well a task's examples fit their classes",
    response_description="examples, least probable first",
    responses=COMPUTING,
)
async def show_left_out(task_id: TaskId, request: Request, parts: Parts) -> LeftOutListAnswer:
    """Classify each example by the others, to find wrong labels; of copies in a class, one is listed."""
    classifier = await while_present(request, parts.classifiers.of_task(task_id))
    return LeftOutListAnswer(
        items=[
            LeftOutAnswer(
                id=str(one.known.identity),
                label=one.known.label,
                filename=one.known.filename,
                probability=one.probability,
                resembles=one.resembles,
                doubtful=one.doubtful,
            )
            for one in classifier.left_out
        ]
    )


@router.post(
    "/{task_id}/keep",
    summary="Keep or rename a task",
    response_model=WholeTaskAnswer,
    response_description=TASK,
    openapi_extra=KEEP,
)
async def keep_task(task_id: TaskId, request: Request, parts: Parts) -> WholeTaskAnswer:
    """Keep a temporary task for good, under a name; a task that is kept already gets that name."""
    parts.tasks.version(task_id)
    upload = await read_upload(request, parts.settings, wants=frozenset(), fields=NAMING)
    if "name" not in upload.fields:
        detail = "there is no 'name'; send the one to keep the task under"
        raise Problem(422, detail, title="Missing field", field="name")
    await parts.writers.run(parts.tasks.keep, task_id, upload.fields["name"])
    return await shown(parts, task_id)


@router.delete("/{task_id}", status_code=204, summary="Delete a task", response_description="deleted")
async def delete_task(task_id: TaskId, parts: Parts) -> Response:
    """Delete a kept classifier and its examples; its jobs continue."""
    await parts.classifiers.delete(task_id)
    return Response(status_code=204)  # without the type of JSON, by which programs would try to read it


@router.delete(
    "/{task_id}/classes/{label:path}",
    summary="Delete a class",
    response_description=TASK,
    responses=COMPUTING,
)
async def delete_class(
    task_id: TaskId, label: Label, request: Request, parts: Parts, version: Version = None
) -> WholeTaskAnswer:
    """Delete a class with its examples; at least two classes must remain. Labels may contain slashes.

    If ``auto`` chose the task's model, it chooses again.
    """
    kept_as = canonical(label)

    def without(stored: Sequence[StoredExample]) -> list[StoredExample]:
        others = [one for one in stored if one.label != kept_as]
        if len(others) == len(stored):
            raise not_found("class", label)
        return others

    await while_present(request, parts.classifiers.revise(task_id, without, version))
    return await shown(parts, task_id)


@router.post(
    "/{task_id}/classify",
    summary="Classify by a task",
    response_model=PredictionsAnswer,
    response_description="a prediction for each query image",
    openapi_extra=ASK,
    responses=COMPUTING,
)
async def classify_by_task(task_id: TaskId, request: Request, parts: Parts) -> Response:
    """Classify images with a kept classifier."""
    parts.tasks.version(task_id)
    upload = await read_upload(request, parts.settings, wants=frozenset({"query"}), fields=ASKING)
    task = parts.tasks.version(task_id)  # which may have another model by now
    check_kept(upload.fields.get("model", AUTO), task.model)
    work = parts.classifiers.answer(task, upload.queries, upload.keep_known)
    return await predictions(*await while_present(request, work))


async def shown(parts: Components, task_id: str) -> WholeTaskAnswer:
    """Show a task as it is now; raises a 404 Problem."""
    return WholeTaskAnswer.whole(*await run_in_threadpool(parts.tasks.snapshot, task_id))
