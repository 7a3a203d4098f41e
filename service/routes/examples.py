"""``/v1/tasks/{task_id}/examples``: the support examples of kept classifiers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from models.choice import AUTO
from service.answers import WholeTaskAnswer
from service.components import Parts
from service.problems import Problem, not_found
from service.routes.departures import while_present
from service.routes.pictures import picture
from service.routes.refusals import COMPUTING, STORING
from service.routes.request_bodies import ADD, MOVE
from service.routes.successes import PICTURE
from service.routes.tasks import TASK, TaskId, Version, shown
from service.store.examples import StoredExample
from service.uploads.intake import MOVING, read_upload
from service.uploads.labels import clean_label

router = APIRouter(prefix="/v1/tasks/{task_id}/examples", tags=["tasks"], responses=STORING)
ExampleId = Annotated[str, Path(description="the example's id, which stands in the task's examples")]


@router.post(
    "",
    summary="Add examples",
    response_model=WholeTaskAnswer,
    response_description=TASK,
    openapi_extra=ADD,
    responses=COMPUTING,
)
async def add_examples(task_id: TaskId, request: Request, parts: Parts) -> WholeTaskAnswer:
    """Add labelled images, of the classes it has or of new ones, and refit the classifier.

    If ``auto`` chose its model, it chooses again.
    """
    parts.tasks.version(task_id)
    upload = await read_upload(request, parts.settings, wants=frozenset({"support"}))
    model = upload.fields.get("model", AUTO)
    await while_present(request, parts.classifiers.add(task_id, model, upload.support))
    return await shown(parts, task_id)


@router.get("/{example_id}", summary="Give an example's image", response_class=Response, responses=PICTURE)
async def show_example(task_id: TaskId, example_id: ExampleId, request: Request, parts: Parts) -> Response:
    """Give the image of one example, byte for byte as it was uploaded."""
    parts.tasks.version(task_id)
    files = parts.tasks.files
    return await picture(request, files, files.find(task_id, example_id))


@router.post(
    "/{example_id}",
    summary="Move an example",
    response_model=WholeTaskAnswer,
    response_description=TASK,
    openapi_extra=MOVE,
    responses=COMPUTING,
)
async def move_example(task_id: TaskId, example_id: ExampleId, request: Request, parts: Parts) -> WholeTaskAnswer:
    """Move one example to another class, or to a new one, and refit the classifier; at least two must remain.

    The example keeps its id. If ``auto`` chose the task's model, it chooses again.
    """
    parts.tasks.version(task_id)
    upload = await read_upload(request, parts.settings, wants=frozenset(), fields=MOVING)
    if "label" not in upload.fields:
        detail = "there is no 'label'; send that of the class to move the example to"
        raise Problem(422, detail, title="Missing field", field="label")
    label = clean_label(upload.fields["label"], field="label")

    def moved(stored: Sequence[StoredExample]) -> list[StoredExample]:
        _check_present(stored, example_id)
        return [replace(one, label=label) if one.id == example_id else one for one in stored]

    await while_present(request, parts.classifiers.revise(task_id, moved))
    return await shown(parts, task_id)


@router.delete(
    "/{example_id}",
    summary="Delete an example",
    response_description=TASK,
    responses=COMPUTING,
)
async def delete_example(
    task_id: TaskId, example_id: ExampleId, request: Request, parts: Parts, version: Version = None
) -> WholeTaskAnswer:
    """Delete one example and refit the classifier; at least two classes must remain.

    If ``auto`` chose its model, it chooses again.
    """

    def without(stored: Sequence[StoredExample]) -> list[StoredExample]:
        _check_present(stored, example_id)
        return [one for one in stored if one.id != example_id]

    await while_present(request, parts.classifiers.revise(task_id, without, version))
    return await shown(parts, task_id)


def _check_present(stored: Sequence[StoredExample], example_id: str) -> None:
    if all(one.id != example_id for one in stored):
        raise not_found("example", example_id)
