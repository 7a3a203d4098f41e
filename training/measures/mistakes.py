"""Where accuracy is lost: in which groups of classes, and which classes are mistaken for each other."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.datasets.class_images import ClassImages
from training.measures.measured import Measured, interval_95

LEAST_ASKED = 20  # queries of a pair, below which its share of mistakes says little


@dataclass(frozen=True)
class GroupAccuracy:
    """Accuracy on queries of one group's classes.

    Attributes:
        group: its name.
        classes: number of classes of the group.
        accuracy: mean over the tasks that have such queries.
        interval: half the width of its 95% interval over these tasks; None for a single task.
    """

    group: str
    classes: int
    accuracy: float
    interval: float | None


@dataclass(frozen=True)
class MistakenPair:
    """Two classes and how often one is mistaken for the other.

    Attributes:
        first: name of a class of the data set.
        second: name of another.
        mistaken: number of queries of either that were answered with the other.
        asked: number of queries of either in tasks that have both.
    """

    first: str
    second: str
    mistaken: int
    asked: int

    @property
    def share(self) -> float:
        """The share of the queries asked that were mistaken."""
        return self.mistaken / self.asked


@dataclass(frozen=True)
class Mistakes:
    """The mistakes on the measured tasks.

    Attributes:
        groups: all groups with queries, the least accurate first.
        pairs: all pairs asked about at least ``LEAST_ASKED`` times and mistaken at least once, the largest share
            first.
        wrong: number of wrong answers, rarer pairs included.
    """

    groups: tuple[GroupAccuracy, ...]
    pairs: tuple[MistakenPair, ...]
    wrong: int

    def of_worst(self, count: int) -> float:
        """The share of all wrong answers that the ``count`` worst pairs account for; 0 if there are none."""
        return sum(pair.mistaken for pair in self.pairs[:count]) / max(1, self.wrong)


def mistakes(measured: Measured, classes: ClassImages) -> Mistakes:
    """Count mistakes by group and by pair of classes.

    Args:
        measured: answers on tasks of these classes.
        classes: the classes that the tasks were drawn from.
    """
    ids, asked = measured.class_ids, measured.class_ids.gather(1, measured.labels)  # [E, N], [E, Q]
    answered = ids.gather(1, measured.logits.argmax(-1))
    return Mistakes(
        groups=_groups(asked, answered, classes),
        pairs=_pairs(ids, asked, answered, classes),
        wrong=int((asked != answered).sum()),
    )


def _groups(asked: Tensor, answered: Tensor, classes: ClassImages) -> tuple[GroupAccuracy, ...]:
    right = (asked == answered).double()
    found = []
    for group in sorted(set(classes.groups)):
        members = [index for index, of in enumerate(classes.groups) if of == group]
        own = torch.isin(asked, torch.tensor(members))
        has_any = own.any(1)
        if has_any.any():
            of_tasks = ((right * own).sum(1) / own.sum(1))[has_any]
            interval = interval_95(of_tasks) if len(of_tasks) > 1 else None
            found.append(GroupAccuracy(group, len(members), float(of_tasks.mean()), interval))
    return tuple(sorted(found, key=lambda one: one.accuracy))


def _pairs(ids: Tensor, asked: Tensor, answered: Tensor, classes: ClassImages) -> tuple[MistakenPair, ...]:
    wrong = asked != answered
    mistaken = _counted(asked[wrong], answered[wrong], len(classes))
    beside = ids[:, None].expand(-1, asked.shape[1], -1)  # what each query could be mistaken for, [E, Q, N]
    other = beside != asked[..., None]
    could_be = _counted(asked[..., None].expand_as(beside)[other], beside[other], len(classes))
    pairs = [
        MistakenPair(classes.classes[pair // len(classes)], classes.classes[pair % len(classes)], count, chances)
        for pair, count in mistaken.items()
        if (chances := could_be[pair]) >= LEAST_ASKED
    ]
    return tuple(sorted(pairs, key=lambda pair: (-pair.share, pair.first, pair.second)))


def _counted(one: Tensor, other: Tensor, classes: int) -> dict[int, int]:
    """How often each unordered pair of classes occurs, by lower index * ``classes`` + higher index."""
    codes, counts = torch.unique(
        torch.minimum(one, other) * classes + torch.maximum(one, other), return_counts=True
    )
    return dict(zip(codes.tolist(), counts.tolist(), strict=True))
