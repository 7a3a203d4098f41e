"""The JSON answers; the OpenAPI document shows these classes with their docstrings."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from service.store.examples import StoredExample
from service.store.job_store import Job, Status
from service.store.task_store import Task

Share = Annotated[float, Field(ge=0, le=1)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class EstimateAnswer(BaseModel):
    """The expected accuracy on new images of a task's classes, 0 to 1, with its 95% interval."""

    accuracy: Share
    low: Share
    high: Share


class ClassAnswer(BaseModel):
    """A class and its number of examples."""

    label: str
    examples: int


class ExampleAnswer(BaseModel):
    """A kept support example; use its ``id`` to see, move or delete it."""

    id: str
    label: str
    filename: str
    sha256: str


class LeftOutAnswer(BaseModel):
    """A support example, classified by the others.

    ``probability`` is that of its own label, ``resembles`` the most probable one. Its own is ``doubtful`` where
    another is at least ten times as probable.
    """

    id: str
    label: str
    filename: str
    probability: Share
    resembles: str
    doubtful: bool


class LeftOutListAnswer(BaseModel):
    """A task's examples, least probable first; an example whose class has no other is not among them."""

    items: list[LeftOutAnswer]


class TaskAnswer(BaseModel):
    """A kept classifier; ``version`` starts at 1 and grows with every change of its examples.

    Where ``auto`` chose the ``model``, it may be another one after such a change.
    ``expires_in`` is after how many seconds without use it is deleted; null if it is kept for good.
    """

    id: str
    name: str | None
    version: int
    model: str
    model_version: str
    created: Time
    expires_in: int | None
    classes: list[ClassAnswer]
    estimate: EstimateAnswer

    @classmethod
    def of(cls, task: Task, **more: Any) -> Self:
        """Show a task; ``more`` are a subclass's own fields."""
        estimate = task.estimate
        return cls(
            id=task.id,
            name=task.name,
            version=task.version,
            model=task.model,
            model_version=task.model_version,
            created=task.created,
            expires_in=task.expires_in,
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
    """A page of tasks, newest first, without their examples."""

    items: list[TaskAnswer]
    next_cursor: str | None


class NeighbourAnswer(BaseModel):
    """A support example that explains an answer.

    ``similarity`` is the cosine of the two images' features, -1 to 1; ``id`` is given only for kept examples.
    """

    label: str
    similarity: Annotated[float, Field(ge=-1, le=1)]
    filename: str
    id: str | None = None


class PredictionAnswer(BaseModel):
    """The answer for one image.

    ``label`` is the most probable class, ``probabilities`` sum to 1, and ``unknown`` is true if the image fits
    none of the classes.
    """

    filename: str
    label: str
    probability: Share
    probabilities: dict[str, Share]
    unknown: bool
    nearest: list[NeighbourAnswer]


class PredictionsAnswer(BaseModel):
    """One prediction per query, in the order of the queries."""

    model: str
    estimate: EstimateAnswer
    predictions: list[PredictionAnswer]


class JobAnswer(BaseModel):
    """A job: ``done`` of ``total`` images have a result, which for ``errors`` of them is an error."""

    id: str
    task_id: str
    model: str
    status: Status
    done: int
    total: int
    errors: int
    error: str | None
    created: Time
    finished: Time | None

    @classmethod
    def of(cls, job: Job) -> Self:
        """Show a job."""
        return cls.model_validate(job, from_attributes=True)


class JobListAnswer(BaseModel):
    """A page of jobs, newest first."""

    items: list[JobAnswer]
    next_cursor: str | None


class ModelAnswer(BaseModel):
    """An initialization; ``card`` says what it was trained on and how it was evaluated."""

    name: str
    version: str
    card: dict[str, Any]


class ModelListAnswer(BaseModel):
    """All initializations that ``model`` may name."""

    items: list[ModelAnswer]
    next_cursor: None = None


class ProblemAnswer(BaseModel):
    """What is wrong with a request (RFC 9457); ``file`` and ``field`` name what is at fault, if known."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    file: str | None = None
    field: str | None = None
