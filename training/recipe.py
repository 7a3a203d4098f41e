"""Recipes: everything that decides a meta-training run, in one YAML file."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from models.images.preprocessing import Preprocessing
from models.initialization import learner_from_dict
from models.learner import Learner
from training.outer_plan import Outer
from training.recipe_rules import Changes, contradictions
from training.structure_plan import StructureSearch

Built = TypeVar("Built")
CALIBRATION_TASKS = 125
NO_FIT = (TypeError, ValueError, ArithmeticError, LookupError)  # what parts raise for values that make no sense


class RecipeError(ValueError):
    """A recipe cannot be used; the message names the key and says what it takes."""


@dataclass(frozen=True)
class Data:
    """Where training tasks come from.

    Attributes:
        name: ``omniglot``, ``mini_imagenet``, ``folder`` or ``strokes``.
        seed: of the split into training, validation and test classes of a ``folder`` that is not divided already,
            and of all characters of ``strokes``; other data sets have fixed splits.
        rotations: add each class turned by 90, 180 and 270 degrees, as classes of their own.
        reflections: add each class, turned ones included, mirrored left to right, as a class of its own.
        classes: number of ``strokes`` classes to draw for training; other data sets provide all they have.
    """

    name: str = "strokes"
    seed: int = 0
    rotations: bool = False
    reflections: bool = False
    classes: int = 1000


@dataclass(frozen=True)
class Episodes:
    """The shape of training tasks.

    Attributes:
        ways: classes of a task.
        shots: support examples of a class; from a range (lowest, highest), each task draws its own number.
        queries: query examples of a class.
        ragged: with a range of shots, let each class of a task draw its own number.
        within_group: share of the tasks whose classes all come from one group (alphabet).
        mixing: share of the tasks whose classes are new, each a mixture of two (see ``training.tasks.mixing``).
        turning: share of each task's classes that are turned by 90, 180 or 270 degrees, as classes of their own
            (see ``training.tasks.turning``).
    """

    ways: int = 20
    shots: int | tuple[int, int] = 1
    queries: int = 4
    ragged: bool = False
    within_group: float = 0.0
    mixing: float = 0.0
    turning: float = 0.0


@dataclass(frozen=True)
class Jitter:
    """Ranges of the random changes of training images, drawn anew at each step.

    Each change is uniform between minus and plus its range, except ``elastic`` and ``mirror``.

    Attributes:
        rotation: in degrees.
        shear: as a tangent.
        scale: of the logarithm of each axis's scale.
        shift: as a fraction of the image.
        elastic: standard deviation of a coarse random displacement, as a fraction of the image; 0 for none.
        mirror: mirror each image left to right with a chance of one half.
        colour: for photos, of the logarithms of the factors of brightness, contrast and saturation; of ``jitter``
            alone, since colours change image by image.
    """

    rotation: float = 0.0
    shear: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    elastic: float = 0.0
    mirror: bool = False
    colour: float = 0.0


@dataclass(frozen=True)
class Validation:
    """Validation tasks, which choose the published phi; the same ones each time.

    Attributes:
        every: outer steps between looks, that is, measurements on these tasks.
        episodes: validation tasks of a look.
        ways: classes of a task.
        shots: support examples of a class.
        queries: query examples of a class.
        within_group: 1 to draw each task's classes from one group, 0 to draw across groups.
        patience: number of looks without a better accuracy after which training stops early; 0 for never.
        seed: of the tasks.
    """

    every: int = 200
    episodes: int = 200
    ways: int = 5
    shots: int = 1
    queries: int = 5
    within_group: float = 0.0
    patience: int = 0
    seed: int = 1


@dataclass(frozen=True)
class Report:
    """One row of the card's evaluation on unseen classes: accuracy with adaptation and without it.

    Attributes:
        ways: classes of a task.
        shots: support examples of a class.
        within_group: whether each task's classes come from one group.
        same_drawers: within a group, whether a task takes one drawing of each class from each of its drawers.
        split: the classes; never ``test`` in a recipe.
    """

    ways: int
    shots: int
    within_group: bool = False
    same_drawers: bool = False
    split: Literal["validation"] = "validation"


@dataclass(frozen=True)
class Recipe:
    """A meta-training run.

    Attributes:
        name: of the initialization.
        description: one sentence for its card.
        licence: of the data, and what it means for the weights.
        seed: of the first phi, the episodes and the jitter.
        preprocessing: from image to input (see ``models.images.preprocessing``).
        learner: backbone, head and inner rule (see ``models.learner``).
        pretrained: what phi starts from (see ``training.run.pretrained``): a shipped initialization by its name,
            or the folder of another; or, for the body of a ``torchvision`` backbone, the name of weights that
            torchvision publishes, such as ``DEFAULT``. Empty for a fresh phi.
        algorithm: a name that sets head, inner rule and outer rule (see ``training.algorithms``); the recipe then
            needs to give only what differs.
        data: where the classes of the training tasks come from.
        episodes: the shape of the training tasks.
        jitter: how each training image changes on its own.
        class_jitter: how all images of a class change together, colours aside, which makes each class a new one.
        task_jitter: how all images of a task change together, colours aside, which makes each alphabet a new one.
        outer: the outer loop.
        validation: the tasks that choose phi.
        reports: the rows of the card's evaluation.
        report_episodes: validation tasks of each row.
        calibration_tasks: number of other validation tasks of each size on which confidence is fitted.
        structure: how ``training search`` looks for another backbone that takes no more operations.
    """

    name: str
    description: str
    licence: str
    preprocessing: dict[str, Any]
    learner: dict[str, Any]
    seed: int = 0
    pretrained: str = ""
    algorithm: str = ""
    data: Data = field(default_factory=Data)
    episodes: Episodes = field(default_factory=Episodes)
    jitter: Jitter = field(default_factory=Jitter)
    class_jitter: Jitter = field(default_factory=Jitter)
    task_jitter: Jitter = field(default_factory=Jitter)
    outer: Outer = field(default_factory=Outer)
    validation: Validation = field(default_factory=Validation)
    reports: tuple[Report, ...] = (Report(5, 1), Report(5, 5), Report(20, 1), Report(20, 5))
    report_episodes: int = 1000
    calibration_tasks: int = CALIBRATION_TASKS
    structure: StructureSearch = field(default_factory=StructureSearch)

    def build_preprocessing(self) -> Preprocessing:
        """Build the preprocessing; RecipeError if its settings do not fit together."""
        return _built("preprocessing", Preprocessing.from_dict, self.preprocessing)

    def build_learner(self) -> Learner:
        """Build the learner; RecipeError if its settings do not fit, or contradict other parts of the recipe."""
        learner = _built("learner", learner_from_dict, self.learner)
        changes = Changes(
            mixing=self.episodes.mixing,
            turning=self.episodes.turning,
            rotations=self.data.rotations,
            alike=(self.class_jitter, self.task_jitter) != (Jitter(), Jitter()),
        )
        for contradiction in contradictions(learner, self.outer, changes, pretrained=bool(self.pretrained)):
            raise RecipeError(contradiction)
        return learner

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe with its defaults as JSON values; without a structure search that it does not set."""
        values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        if self.structure == StructureSearch():
            del values["structure"]
        return values


def _built(key: str, build: Callable[[Mapping[str, Any]], Built], values: Mapping[str, Any]) -> Built:
    try:
        return build(values)
    except NO_FIT as error:
        raise RecipeError(f"{key} in the recipe does not fit: {error}") from error
