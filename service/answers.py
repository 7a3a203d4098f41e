"""The shapes of JSON answers, as the OpenAPI document shows them."""

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel

from service.store.job_store import Job
from service.store.task_store import StoredExample, Task


class EstimateAnswer(BaseModel):
    """The accuracy to expect on new images of a task's classes, with its 95% interval."""

    accuracy: float
    low: float
    high: float


class ClassAnswer(BaseModel):
    """A class and how many examples it has."""

    label: str
    examples: int


class ExampleAnswer(BaseModel):
    """A kept support example; ``id`` deletes it."""

    id: str
    label: str
    filename: str
    sha256: str


class TaskAnswer(BaseModel):
    """A kept classifier; ``version`` counts its changes."""

    id: str
    name: str | None
    version: int
    model: str
    model_version: str
    created: str
    classes: list[ClassAnswer]
    estimate: EstimateAnswer

    @classmethod
    def of(cls, task: Task, **more: Any) -> Self:
        """Show a task."""
        estimate = task.estimate
        return cls(
            id=task.id,
            name=task.name,
            version=task.version,
            model=task.model,
            model_version=task.model_version,
            created=task.created,
            classes=[ClassAnswer(label=label, examples=count) for label, count in task.classes.items()],
            estimate=EstimateAnswer(accuracy=estimate.accuracy, low=estimate.low, high=estimate.high),
            **more,
        )


class WholeTaskAnswer(TaskAnswer):
    """A kept classifier with its examples."""

    examples: list[ExampleAnswer]

    @classmethod
    def whole(cls, task: Task, examples: Sequence[StoredExample]) -> Self:
        """Show a task and its examples."""
        shown = [ExampleAnswer.model_validate(one, from_attributes=True) for one in examples]
        return cls.of(task, examples=shown)


class TaskListAnswer(BaseModel):
    """A page of tasks, the newest first, without their examples."""

    items: list[TaskAnswer]
    next_cursor: str | None


class NeighbourAnswer(BaseModel):
    """A support example that explains an answer; ``id`` only where the example is kept."""

    label: str
    similarity: float
    filename: str
    id: str | None = None


class PredictionAnswer(BaseModel):
    """What one image shows. ``probabilities`` sum to 1; ``unknown``: it fits none of the classes."""

    filename: str
    label: str
    probability: float
    probabilities: dict[str, float]
    unknown: bool
    nearest: list[NeighbourAnswer]


class PredictionsAnswer(BaseModel):
    """One prediction for each query, in their order."""

    model: str
    estimate: EstimateAnswer
    predictions: list[PredictionAnswer]


class JobAnswer(BaseModel):
    """A batch: ``done`` of ``total`` images are scored, of which ``errors`` could not be."""

    id: str
    task_id: str
    model: str
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    done: int
    total: int
    errors: int
    error: str | None
    created: str
    finished: str | None

    @classmethod
    def of(cls, job: Job) -> Self:
        """Show a job."""
        return cls.model_validate(job, from_attributes=True)


class JobListAnswer(BaseModel):
    """A page of jobs, the newest first."""

    items: list[JobAnswer]
    next_cursor: str | None


class ModelAnswer(BaseModel):
    """An initialization; ``card`` tells what it was trained on and what it reached."""

    name: str
    version: str
    card: dict[str, Any]


class ModelListAnswer(BaseModel):
    """All initializations that ``model`` may name."""

    items: list[ModelAnswer]
    next_cursor: None = None


class ProblemAnswer(BaseModel):
    """What is wrong with a request (RFC 9457); ``file`` and ``field`` name what is at fault."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    file: str | None = None
    field: str | None = None
