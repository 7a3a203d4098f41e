"""What a comparison measured: its cells, looked up by contender, classes and augmentation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch

from training.comparison.contenders import SCRATCH, Contender
from training.comparison.plan import Plan
from training.measures.measured import interval_95


@dataclass(frozen=True)
class Figure:
    """A mean over tasks, in percent.

    Attributes:
        mean: of all tasks.
        half: half the width of its 95 % interval.
    """

    mean: float
    half: float

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """From an accuracy and its interval as JSON values (see ``training.comparison.traces.accuracy_of``)."""
        return cls(100 * values["accuracy"], 100 * values["interval_95"])

    def __str__(self) -> str:
        """The mean with its interval, as tables show it."""
        return f"{self.mean:.1f} ± {self.half:.1f}"


@dataclass(frozen=True)
class Results:
    """All results of a comparison.

    Attributes:
        plan: of the comparison.
        contenders: in the order in which readers see them.
        cells: JSON values (see ``training.comparison.cells``).
        facts: numbers of training, development and unseen classes, for the protocol.
    """

    plan: Plan
    contenders: tuple[Contender, ...]
    cells: tuple[dict[str, Any], ...]
    facts: dict[str, Any]

    @property
    def everything(self) -> int:
        """The number of all training classes."""
        return max(int(cell["classes"]) for cell in self.cells)

    @property
    def machine(self) -> str:
        """The machine on which cells were measured; several if measuring was resumed elsewhere."""
        return " and ".join(dict.fromkeys(str(cell["machine"]) for cell in self.cells))

    @property
    def trained(self) -> tuple[Contender, ...]:
        """Contenders that train before any unseen task."""
        return tuple(one for one in self.contenders if one.training)

    def counts(self, *, augmented: bool = False) -> list[int]:
        """Numbers of training classes compared, in rising order; ``augmented``: only those with augmentation."""
        return sorted({cell["classes"] for cell in self.cells if cell["augmented"] or not augmented})

    def cell(self, contender: str, classes: int | None = None, *, augmented: bool = False) -> dict[str, Any]:
        """One cell; learning from scratch, which never trains, has the same one for all numbers of classes.

        Raises:
            KeyError: if it was not measured.
        """
        wanted = (self.everything, False) if contender == SCRATCH else (classes or self.everything, augmented)
        for cell in self.cells:
            if cell["contender"] == contender and (cell["classes"], cell["augmented"]) == wanted:
                return cell
        raise KeyError(f"{contender} was not measured with {wanted[0]} classes")

    def unseen(
        self, contender: str, shots: int, classes: int | None = None, *, augmented: bool = False
    ) -> Figure:
        """Accuracy on unseen classes."""
        return Figure.of(self.cell(contender, classes, augmented=augmented)["unseen"][str(shots)])

    def known(self, contender: str, shots: int, classes: int | None = None) -> Figure:
        """Accuracy on tasks of the classes that were trained on."""
        return Figure.of(self.cell(contender, classes)["known"][str(shots)])

    def gap(self, contender: str, shots: int, classes: int | None = None) -> float:
        """By how much accuracy on tasks of training classes exceeds that on unseen ones, in points."""
        return self.known(contender, shots, classes).mean - self.unseen(contender, shots, classes).mean

    def gain(self, contender: str, shots: int, classes: int) -> Figure:
        """What task augmentation adds on unseen classes, paired over tasks, in points."""
        plain, augmented = (
            self.cell(contender, classes, augmented=on)["unseen"][str(shots)] for on in (False, True)
        )
        return _difference(augmented, plain)

    def ahead(self, one: str, other: str, shots: int) -> Figure:
        """By how many points one contender leads another, both trained on all classes, paired over tasks."""
        return _difference(*(self.cell(name)["unseen"][str(shots)] for name in (one, other)))

    def favourite(self, among: Sequence[Contender], shots: int) -> Contender:
        """The best on development tasks, so that the reported accuracies do not decide who is reported."""

        def reached(contender: Contender) -> float:
            return float(self.cell(contender.name)["chosen"][str(shots)]["development_accuracy"])

        return max(among, key=reached)

    def of_family(self, family: str) -> tuple[Contender, ...]:
        """The contenders of one family that train before any unseen task."""
        return tuple(one for one in self.trained if one.family == family)


def _difference(of_one: dict[str, Any], of_other: dict[str, Any]) -> Figure:
    one, other = (torch.tensor(values["right"]).double() / values["answers"] for values in (of_one, of_other))
    return Figure(100 * float((one - other).mean()), 100 * interval_95(one - other))
