"""What the parts of a recipe ask of each other."""

from collections.abc import Iterator

from models.backbones.staged import Staged
from models.learner import Learner
from training.outer_plan import Outer

_SMALLEST = 16  # pixels of a side that says anything of a photo


def contradictions(
    learner: Learner,
    outer: Outer,
    *,
    pretrained: bool,
    mixing: float,
    turning: float,
    rotations: bool,
    alike: bool = False,
) -> Iterator[str]:
    """Tell which parts do not go together, and what to change.

    Args:
        learner: as the recipe describes it.
        outer: the outer loop's plan.
        pretrained: whether the body starts from trained weights.
        mixing: share of tasks of mixed classes.
        turning: share of each task's classes that are turned.
        rotations: whether the data set has turned classes already.
        alike: whether all images of a class or a task change alike.
    """
    if learner.backbone.normalisation == "running" and not outer.warm_up and not pretrained:
        yield ("running normalisation learns its constants during the warm-up: set outer.warm_up to at least 1")
    of_images, head = outer.warm_up_loss, learner.head.kind
    if head == "shared" and outer.warm_up and of_images == "episodes":
        # Adam would make steps of its full rate of the rounding errors, the only gradient there is.
        needs_warm_up = learner.backbone.normalisation == "running" and not pretrained
        yield (
            "the shared head takes all classes for equally likely until it adapts, so that a warm-up by episodes "
            "teaches nothing: set outer.warm_up to 0" + ", with group normalisation" * needs_warm_up
        )
    if of_images != "episodes" and learner.backbone.normalisation == "support":
        yield (
            f"outer.warm_up_loss {of_images} compares images without a support set: it takes group or "
            "running normalisation"
        )
    never = learner.backbone.normalisation == "support" or not 0 < outer.warm_up < outer.steps
    if head == "lda" and never:
        yield (
            "the lda head measures the scatter of training classes after the warm-up: let outer.warm_up be "
            "at least 1 and outer.steps more, with group or running normalisation"
        )
    if isinstance(learner.backbone, Staged) and learner.backbone.centred and never:
        yield (
            "the centre of a centred backbone is measured after the warm-up: let outer.warm_up be at least 1 "
            "and outer.steps more, with group or running normalisation"
        )
    apart = {"pairs": ("shared", "ridge", "svm"), "classes": ("shared",)}
    if head in apart.get(of_images, ()):
        yield (
            f"outer.warm_up_loss {of_images} needs the {head} head to answer by class centres: it takes the "
            "prototype or lda head" + (", ridge or svm" if of_images == "classes" else "")
        )
    directions = of_images in ("classes", "likeness")
    if directions and not learner.backbone.unit:
        yield f"outer.warm_up_loss {of_images} compares directions: set learner.backbone.unit to true"
    if (outer.every_position or outer.first_side) and not (
        directions and isinstance(learner.backbone, Staged) and learner.backbone.average
    ):
        yield (
            "outer.every_position and outer.first_side take the mean of whatever positions there are: set "
            "outer.warm_up_loss to classes (or likeness, for first_side), learner.backbone.kind to stages and "
            "its average to true"
        )
    elif outer.every_position and of_images != "classes":
        yield "outer.every_position tells classes apart: set outer.warm_up_loss to classes"
    elif outer.first_side and not _SMALLEST <= outer.first_side <= learner.backbone.side:
        yield (
            f"outer.first_side is {outer.first_side}: it takes 0, or {_SMALLEST} to the {learner.backbone.side} "
            "pixels of the learner"
        )
    if outer.teacher and outer.warm_up_loss != "classes":
        yield "outer.teacher tells classes apart: set outer.warm_up_loss to classes"
    yield from _of_feature_teacher(outer, as_they_are=not (mixing or turning or alike))
    if outer.warm_up_loss == "classes" and mixing:
        yield ("outer.warm_up_loss classes names the data set's own classes: set episodes.mixing to 0")
    if turning and (mixing or rotations):
        yield (
            "episodes.turning makes of the data set's own classes others: set episodes.mixing to 0 and "
            "data.rotations to false"
        )
    if outer.rule == "reptile" and not learner.rule.moves_body:
        yield "outer.rule reptile learns from how the body moves: let learner.rule.moves be all"
    if outer.rule in ("evolution", "policy-gradient") and outer.warm_up:
        yield f"the warm-up goes by gradient: with {outer.rule} set outer.warm_up to 0"


def _of_feature_teacher(outer: Outer, *, as_they_are: bool) -> Iterator[str]:
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
    if not as_they_are:
        yield (
            "outer.warm_up_loss likeness knows the data set's own images, each jittered on its own: set "
            "episodes.mixing and episodes.turning to 0, and leave out class_jitter and task_jitter"
        )
