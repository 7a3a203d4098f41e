"""Recipes: everything that decides a meta-training run, in one YAML file."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from models.images.preprocessing import Preprocessing
from models.initialization import learner_from_dict
from models.learner import Learner
from training.outer_plan import Outer
from training.recipe_rules import Changes, contradictions
from training.structure_plan import StructureSearch

CALIBRATION_TASKS = 125
NO_FIT = (TypeError, ValueError, ArithmeticError, LookupError)  # what parts raise of values that make no sense


class RecipeError(ValueError):
    """A recipe cannot be used; the message names the key and what it takes."""


@dataclass(frozen=True)
class Data:
    """Where training tasks come from.

    Attributes:
        name: ``omniglot``, ``mini_imagenet``, ``folder`` or ``strokes``.
        seed: of the split into training and validation classes, where the data set has none of its own.
        rotations: add each class turned by 90, 180 and 270 degrees as classes of their own.
        reflections: add each class, and each turned one, mirrored left to right as a class of its own.
        classes: of ``strokes``, how many to draw for training; others have as many as they have.
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
        shots: support examples of a class, or the least and the most, of which each task draws its own number.
        queries: query examples of a class.
        ragged: with a range of shots, let each class of a task draw its own number.
        within_group: share of the tasks whose classes all come from one group (alphabet).
        mixing: share of the tasks whose classes are new ones, each mixed of two (see ``training.tasks.mixing``).
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
    """Random change of training images, drawn anew at each step.

    Attributes:
        rotation: standard range in degrees, uniform in plus or minus.
        shear: range, as a tangent.
        scale: range of the logarithm of each axis' scale.
        shift: range, as a fraction of the image.
        elastic: standard deviation of a coarse random displacement, as a fraction of the image; 0 for none.
        mirror: turn every other image, at random, left to right.
        colour: of photos, range of the logarithms by which brightness, contrast and saturation change; it is for
            ``jitter`` alone, since colours change image by image.
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
        every: outer steps between looks.
        episodes: validation tasks of one look.
        ways: classes of a task.
        shots: support examples of a class.
        queries: query examples of a class.
        within_group: 1 to draw each task's classes from one group, 0 across groups.
        patience: looks without a better accuracy after which training stops early; 0 for never.
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
    """One row of the card's evaluation on unseen classes, adapted and not adapted side by side.

    Attributes:
        ways: classes of a task.
        shots: support examples of a class.
        within_group: whether each task's classes come from one group.
        same_drawers: within a group, whether each drawer of a task drew one drawing of each class.
        split: whose classes; never ``test`` in a recipe.
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
        name: the initialization's.
        description: one sentence for its card.
        licence: of the data, and what follows for the weights.
        seed: of the first phi, the episodes and the jitter.
        preprocessing: from image to input (see ``models.images.preprocessing``).
        learner: backbone, head and inner rule (see ``models.learner``).
        pretrained: what phi starts from (see ``training.run.pretrained``): a shipped initialization, by name, or
            the folder of another; or, with a ``torchvision`` backbone, weights that torchvision has by name, as
            ``DEFAULT``, for its body. Empty for a fresh phi.
        algorithm: a name for the head, the inner rule and the outer rule (see ``training.algorithms``), of which
            the recipe need then say only what it has otherwise.
        data: training tasks' classes.
        episodes: their shape.
        jitter: the change of each of their images on its own.
        class_jitter: the change of all images of a class alike, which makes of every class a new one.
        task_jitter: the change of all images of a task alike, which makes of every alphabet a new one.
        outer: the outer loop.
        validation: what chooses phi.
        reports: what the card tells.
        report_episodes: validation tasks of each row of it.
        calibration_tasks: other validation tasks, of each of many sizes, on which its confidence is fitted.
        structure: how ``training search`` looks for another backbone of no more operations.
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
        """The preprocessing that the recipe describes."""
        preprocessing: Preprocessing = _built("preprocessing", Preprocessing.from_dict, self.preprocessing)
        return preprocessing

    def build_learner(self) -> Learner:
        """The learner that the recipe describes."""
        learner: Learner = _built("learner", learner_from_dict, self.learner)
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
        """Give the whole recipe, defaults included but for a search that it does not plan, as JSON values."""
        values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        if self.structure == StructureSearch():
            del values["structure"]
        return values


def _built(key: str, build: Any, values: Mapping[str, Any]) -> Any:
    try:
        return build(values)
    except NO_FIT as error:
        raise RecipeError(f"{key} in the recipe does not fit: {error}") from error
