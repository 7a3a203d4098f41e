"""What the parts of a recipe ask of each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from models.backbones.staged import Staged
from models.learner import Learner
from training.outer_plan import Outer

_SMALLEST = 16  # pixels of a side that says anything of a photo


@dataclass(frozen=True)
class Changes:
    """How tasks differ from the data set's own classes.

    Attributes:
        mixing: share of tasks of mixed classes.
        turning: share of each task's classes that are turned.
        rotations: whether the data set has turned classes already.
        alike: whether all images of a class or a task change alike.
    """

    mixing: float
    turning: float
    rotations: bool
    alike: bool


def contradictions(learner: Learner, outer: Outer, changes: Changes, *, pretrained: bool) -> Iterator[str]:
    """Tell which parts do not go together, and what to change.

    Args:
        learner: as the recipe describes it.
        outer: the outer loop's plan.
        changes: of the tasks.
        pretrained: whether the body starts from trained weights.
    """
    return chain(
        _of_normalisation(learner, outer, pretrained=pretrained),
        _of_head(learner, outer, pretrained=pretrained),
        _of_centre(learner, outer),
        _of_directions(learner, outer),
        _of_positions(learner, outer),
        _of_teachers(outer, changes),
        _of_classes(outer, changes),
        _of_rule(learner, outer),
    )


def _of_normalisation(learner: Learner, outer: Outer, *, pretrained: bool) -> Iterator[str]:
    kind = learner.backbone.normalisation
    if kind == "running" and not outer.warm_up and not pretrained:
        yield "running normalisation learns its constants during the warm-up: set outer.warm_up to at least 1"
    if kind == "support" and outer.warm_up_loss != "episodes":
        yield (
            f"outer.warm_up_loss {outer.warm_up_loss} compares images without a support set: it takes group or "
            "running normalisation"
        )


def _of_head(learner: Learner, outer: Outer, *, pretrained: bool) -> Iterator[str]:
    head, of_images = learner.head.kind, outer.warm_up_loss
    if head == "shared" and outer.warm_up and of_images == "episodes":
        # Adam would make steps of its full rate of the rounding errors, the only gradient there is.
        needs_warm_up = learner.backbone.normalisation == "running" and not pretrained
        yield (
            "the shared head takes all classes for equally likely until it adapts, so that a warm-up by episodes "
            "teaches nothing: set outer.warm_up to 0" + ", with group normalisation" * needs_warm_up
        )
    if head == "lda" and not _measures_after_warm_up(learner, outer):
        yield (
            "the lda head measures the scatter of training classes after the warm-up: let outer.warm_up be "
            "at least 1 and outer.steps more, with group or running normalisation"
        )
    apart = {"pairs": ("shared", "ridge", "svm"), "classes": ("shared",)}
    if head in apart.get(of_images, ()):
        yield (
            f"outer.warm_up_loss {of_images} needs the {head} head to answer by class centres: it takes the "
            "prototype or lda head" + (", ridge or svm" if of_images == "classes" else "")
        )


def _of_centre(learner: Learner, outer: Outer) -> Iterator[str]:
    centred = isinstance(learner.backbone, Staged) and learner.backbone.centred
    if centred and not _measures_after_warm_up(learner, outer):
        yield (
            "the centre of a centred backbone is measured after the warm-up: let outer.warm_up be at least 1 "
            "and outer.steps more, with group or running normalisation"
        )


def _measures_after_warm_up(learner: Learner, outer: Outer) -> bool:
    """Whether a step comes after a warm-up, and features then follow from the image alone."""
    return learner.backbone.normalisation != "support" and 0 < outer.warm_up < outer.steps


def _compares_directions(outer: Outer) -> bool:
    return outer.warm_up_loss in ("classes", "likeness")


def _of_directions(learner: Learner, outer: Outer) -> Iterator[str]:
    if _compares_directions(outer) and not learner.backbone.unit:
        yield f"outer.warm_up_loss {outer.warm_up_loss} compares directions: set learner.backbone.unit to true"


def _of_positions(learner: Learner, outer: Outer) -> Iterator[str]:
    if not (outer.every_position or outer.first_side):
        return
    averages = isinstance(learner.backbone, Staged) and learner.backbone.average
    if not (averages and _compares_directions(outer)):
        yield (
            "outer.every_position and outer.first_side take the mean of whatever positions there are: set "
            "outer.warm_up_loss to classes (or likeness, for first_side), learner.backbone.kind to stages and "
            "its average to true"
        )
    elif outer.every_position and outer.warm_up_loss != "classes":
        yield "outer.every_position tells classes apart: set outer.warm_up_loss to classes"
    elif outer.first_side and not _SMALLEST <= outer.first_side <= learner.backbone.side:
        yield (
            f"outer.first_side is {outer.first_side}: it takes 0, or {_SMALLEST} to the {learner.backbone.side} "
            "pixels of the learner"
        )


def _of_teachers(outer: Outer, changes: Changes) -> Iterator[str]:
    if outer.teacher and outer.warm_up_loss != "classes":
        yield "outer.teacher tells classes apart: set outer.warm_up_loss to classes"
    if outer.warm_up_loss != "likeness":
        if outer.feature_teacher or outer.feature_views:
            yield (
                "outer.feature_teacher and outer.feature_views are of learning by likeness: set "
                "outer.warm_up_loss to likeness"
            )
        return
    if not outer.feature_teacher or outer.feature_views < 1 or not outer.warm_up:
        yield (
            "outer.warm_up_loss likeness learns from a teacher's features, in so many views of each image: set "
            "outer.feature_teacher, and outer.feature_views and outer.warm_up to at least 1"
        )
    if changes.mixing or changes.turning or changes.alike:
        yield (
            "outer.warm_up_loss likeness knows the data set's own images, each jittered on its own: set "
            "episodes.mixing and episodes.turning to 0, and leave out class_jitter and task_jitter"
        )


def _of_classes(outer: Outer, changes: Changes) -> Iterator[str]:
    if outer.warm_up_loss == "classes" and changes.mixing:
        yield "outer.warm_up_loss classes names the data set's own classes: set episodes.mixing to 0"
    if changes.turning and (changes.mixing or changes.rotations):
        yield (
            "episodes.turning makes of the data set's own classes others: set episodes.mixing to 0 and "
            "data.rotations to false"
        )


def _of_rule(learner: Learner, outer: Outer) -> Iterator[str]:
    if outer.rule == "reptile" and not learner.rule.moves_body:
        yield "outer.rule reptile learns from how the body moves: let learner.rule.moves be all"
    if outer.rule in ("evolution", "policy-gradient") and outer.warm_up:
        yield f"the warm-up goes by gradient: with {outer.rule} set outer.warm_up to 0"
