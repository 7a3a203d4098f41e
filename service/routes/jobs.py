"""``/v1/jobs``: many images, scored in the background."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.answers import JobAnswer, JobListAnswer
from service.components import Parts
from service.computing.pinned import pinned_labels
from service.results import MEDIA_TYPES, Format, stream
from service.routes.refusals import COMPUTING, STORING
from service.routes.request_bodies import JOB
from service.routes.streamed import Streamed
from service.routes.successes import RESULTS, TAKEN
from service.routes.tasks import Cursor, Limit, TaskId
from service.store.paging import DEFAULT_LIMIT

router = APIRouter(tags=["jobs"], responses=STORING)
JobId = Annotated[str, Path(description="the job's id")]
Chosen = Annotated[
    str | None,
    Query(
        alias="id",
        pattern="^[0-9a-f]{32}$",
        description="the job's id, if the caller chooses it: 32 random hexadecimal digits; a request that is "
        "sent again with them, because no answer came, starts no second job",
    ),
]
Asked = Annotated[Format, Query(description="how to write the rows; parquet and jsonl hold the whole answers")]


@router.post(
    "/v1/tasks/{task_id}/jobs",
    status_code=202,
    summary="Start a job",
    response_model=JobAnswer,
    response_description="the job, which waits for its turn",
    openapi_extra=JOB,
    responses={**COMPUTING, **TAKEN},
)
async def start_job(
    task_id: TaskId, request: Request, response: Response, parts: Parts, chosen: Chosen = None
) -> JobAnswer:
    """Start a job: a zip of images, or many query images, to be scored by the task's classifier as it is now."""
    task = parts.tasks.version(task_id)  # 404 before a long upload
    classifier = await parts.classifiers.of_task(task_id)
    job = await parts.jobs.take(request, task, classifier, chosen)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return JobAnswer.of(job)


@router.get("/v1/jobs", summary="List jobs", response_description="a page of jobs")
def list_jobs(parts: Parts, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> JobListAnswer:
    """List jobs, newest first."""
    page = parts.jobs.store.page(limit, cursor)
    return JobListAnswer(items=[JobAnswer.of(job) for job in page.items], next_cursor=page.next_cursor)


@router.get("/v1/jobs/{job_id}", summary="Show a job", response_description="the job")
def show_job(job_id: JobId, parts: Parts) -> JobAnswer:
    """Show a job's progress."""
    return JobAnswer.of(parts.jobs.store.job(job_id))


@router.delete(
    "/v1/jobs/{job_id}",
    summary="Cancel or delete a job",
    response_model=JobAnswer,
    response_description="the job, cancelled",
    responses={204: {"description": "deleted"}},
)
async def end_job(job_id: JobId, parts: Parts) -> Response | JobAnswer:
    """Cancel an unfinished job (200; its results so far stay), or delete a finished one (204)."""
    kept = await parts.jobs.end(job_id)
    return Response(status_code=204) if kept is None else JobAnswer.of(kept)


@router.get(
    "/v1/jobs/{job_id}/results",
    summary="Give a job's results",
    response_class=StreamingResponse,
    responses=RESULTS,
)
def get_results(job_id: JobId, parts: Parts, format: Asked = "jsonl") -> StreamingResponse:
    """Give the results so far, one row per image, in the order of the images."""
    job = parts.jobs.store.job(job_id)
    rows = parts.jobs.store.results(job_id)
    return Streamed(
        stream(rows, pinned_labels(parts.jobs.folder(job_id)), format),
        media_type=MEDIA_TYPES[format],
        headers={"Content-Disposition": f'attachment; filename="{job.id}.{format}"'},
    )
