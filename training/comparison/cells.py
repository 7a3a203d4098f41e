"""Cells: one contender each, trained on a number of classes with or without task augmentation, and measured."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from training.comparison.contenders import FINE_TUNING, PROBE, Contender
from training.comparison.ordinary import Chooser, Chosen, body_of
from training.comparison.plan import Plan
from training.comparison.task_classes import TaskClasses
from training.comparison.traces import Subject, Trace, accuracy_of, seconds_of_a_task, trace
from training.comparison.trained import Trained, trained
from training.datasets.class_images import ClassImages
from training.measures.measured import Protocol, interval_95
from training.tasks.augmentation import with_copies


@dataclass(frozen=True)
class Cell:
    """What is measured in one go and kept in one file.

    Attributes:
        contender: who is measured.
        classes: number of training classes.
        augmented: whether training uses task augmentation.
        whole: whether to measure at all numbers of shots, not only the compared ones, and at the compared ones
            also after each number of inner steps.
    """

    contender: Contender
    classes: int
    augmented: bool
    whole: bool

    @property
    def name(self) -> str:
        """Name of the cell's file."""
        return f"{self.contender.name}-{self._suffix}"

    @property
    def trained_name(self) -> str:
        """Name of the folder of its training, which several contenders may share."""
        return f"{self.contender.training}-{self._suffix}"

    @property
    def _suffix(self) -> str:
        return f"{self.classes}-{'augmented' if self.augmented else 'plain'}"


@dataclass(frozen=True)
class Bench:
    """What all cells are measured with.

    Attributes:
        plan: of the comparison.
        classes: for training, for choosing and for reporting.
        out: folder of the comparison.
        device: where to compute.
    """

    plan: Plan
    classes: TaskClasses
    out: Path
    device: torch.device

    def measure(self, cell: Cell) -> dict[str, Any]:
        """Train if need be, choose settings, and measure; return the results as JSON values.

        Raises:
            PlanError: if training has diverged.
        """
        tasks, unseen = self.plan.tasks, self.classes.unseen
        training = self.classes.first(cell.classes)
        learned = self._trained(cell, training)
        found: dict[str, dict[str, Any]] = {key: {} for key in ("chosen", "unseen", "known", "seconds_of_a_task")}
        of_steps: dict[str, Any] = {}
        spent = 0.0
        for shots in tasks.shots if cell.whole else tasks.compared_shots:
            start = time.perf_counter()
            chosen = self._chosen(cell, learned, shots)
            if cell.contender.family == "ordinary":
                spent += time.perf_counter() - start
            subject, steps, protocol = chosen.subject, chosen.steps, self._protocol(shots)
            key = str(shots)
            found["chosen"][key] = chosen.settings | {"development_accuracy": chosen.development_accuracy}
            found["unseen"][key] = accuracy_of(trace(subject, unseen, protocol, (steps,)))
            if shots not in tasks.compared_shots:
                continue
            found["seconds_of_a_task"][key] = seconds_of_a_task(subject, unseen, protocol, steps)
            if learned:
                others = replace(protocol, seed=tasks.seed + 1)
                found["known"][key] = accuracy_of(trace(subject, training, others, (steps,)))
            if cell.whole:
                found_after = trace(subject, unseen, protocol, self.plan.traced_steps, losses=True)
                of_steps[key] = _after_steps(found_after)
        values: dict[str, Any] = {
            "contender": cell.contender.name,
            "classes": cell.classes,
            "augmented": cell.augmented,
            "training": _training(learned) if learned else None,
            "seconds_of_choosing": spent,
        }
        return values | found | ({"steps": of_steps} if cell.whole else {})

    def _trained(self, cell: Cell, training: ClassImages) -> Trained | None:
        if not cell.contender.training:
            return None
        copies = self.plan.augmentation
        given = training
        if cell.augmented:
            given = with_copies(training, rotations=copies.rotations, reflections=copies.reflections)
        folder = self.out / "trained" / cell.trained_name
        return trained(
            self.plan, cell.contender.training, given, self.classes.development, folder, device=self.device
        )

    def _chosen(self, cell: Cell, learned: Trained | None, shots: int) -> Chosen:
        """Choose what to measure at a number of shots; a meta-learner has no choices and is only measured."""
        plan, backbone = self.plan, self.plan.build_backbone()
        protocol = replace(self._protocol(shots), episodes=plan.choice.episodes, seed=plan.choice.seed)
        chooser = Chooser(
            plan.choice, self.classes.development, protocol, plan.build_preprocessing(), self.device
        )
        name = cell.contender.name
        if learned is None:
            return chooser.from_scratch(backbone, plan.seed)
        if name in (PROBE, FINE_TUNING):
            choose = chooser.probe if name == PROBE else chooser.fine_tuning
            return choose(backbone, body_of(learned.phi))
        learner, phi = learned.learner, learned.phi
        subject = Subject(learner, lambda _: phi, plan.build_preprocessing(), self.device)
        steps = learner.rule.steps
        found = trace(subject, self.classes.development, protocol, (steps,))
        return Chosen(subject, steps, {"steps": steps}, float(found.accuracies[0]))

    def _protocol(self, shots: int) -> Protocol:
        tasks = self.plan.tasks
        return Protocol(tasks.ways, shots, tasks.queries, tasks.episodes, tasks.seed)


def cells_of(plan: Plan, contenders: Sequence[Contender], classes: TaskClasses) -> list[Cell]:
    """List all cells, those trained on all classes first; learning from scratch, which never trains, has one."""
    everything = len(classes.training)
    counts, of_augmented = classes.counts(plan.classes), classes.counts(plan.augmented_classes)
    wanted = [(count, False) for count in (*reversed(counts), *reversed(of_augmented))]
    wanted += [(count, True) for count in reversed(of_augmented)]
    return [
        Cell(one, count, is_augmented, whole=(count, is_augmented) == (everything, False))
        for count, is_augmented in dict.fromkeys(wanted)
        for one in contenders
        if one.training or (count, is_augmented) == (everything, False)
    ]


def _after_steps(found: Trace) -> dict[str, Any]:
    return {
        "steps": list(found.steps),
        "accuracy": [round(value, 6) for value in found.accuracies.tolist()],
        "interval_95": [round(interval_95(right.double() / found.answers), 6) for right in found.right],
        "support_loss": list(found.support_loss),
        "query_loss": list(found.query_loss),
    }


def _training(learned: Trained) -> dict[str, Any]:
    return {
        "seconds": learned.seconds,
        "images": learned.images,
        "losses": learned.losses,
        "looks": learned.looks,
    }
