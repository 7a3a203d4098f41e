"""Checks of a whole support set: enough classes, and no more than the limits allow."""

from collections.abc import Sequence, Set

from service.problems import Problem
from service.settings import Settings
from service.store.examples import Revision
from service.uploads.images import Example


def check_classes(labels: Sequence[str], settings: Settings, given: Sequence[Example] = ()) -> None:
    """Check the labels of a whole support set.

    Args:
        labels: of all examples, kept ones included.
        settings: the limits.
        given: the examples that came with this request, where problems say the fault is.

    Raises:
        Problem: 422 for too few classes, too many classes or too many examples.
    """
    classes = set(labels)
    of_labels, of_images = (_whole(given[0].label_field), _whole(given[0].field)) if given else (None, None)
    if len(classes) < 2:
        found = f"only {next(iter(classes))!r} is there" if classes else "none is there"
        detail = f"a classifier needs examples of at least two classes, {found}"
        raise Problem(422, detail, title="Too few classes", field=of_labels)
    _check_ways(classes, settings, of_labels)
    if len(labels) > settings.max_examples:
        detail = f"{len(labels)} examples are more than the {settings.max_examples} that one classifier takes"
        raise Problem(422, detail, title="Too many examples", field=of_images)


def _check_ways(classes: Set[str], settings: Settings, field: str | None) -> None:
    """Refuse more classes than one classifier takes, by a 422 Problem that names the field of the labels."""
    if len(classes) > settings.max_ways:
        detail = f"{len(classes)} classes are more than the {settings.max_ways} that one classifier takes"
        raise Problem(422, detail, title="Too many classes", field=field)


def _whole(field: str) -> str:
    """Give the field that one image or label came by, without its place in a list of JSON."""
    return field.partition("[")[0]


def check_revision(revision: Revision, ways: int, settings: Settings) -> None:
    """Check what a change makes of a task that had ``ways`` classes.

    What does not grow may be above a limit that has become tighter.

    Raises:
        Problem: 409 if a removal or a move would leave fewer than two classes, 422 beyond a limit.
    """
    labels = revision.labels
    if (revision.removed or revision.moved) and len(set(labels)) < 2:
        raise Problem(
            409,
            "this would leave fewer than two classes; add examples of another class first, or delete the task",
            title="Too few classes would remain",
        )
    if revision.added:
        check_classes(labels, settings, [one.given for one in revision.added])
    elif len(set(labels)) > ways:
        _check_ways(set(labels), settings, "label")
