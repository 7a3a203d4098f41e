"""Rows of a race: one algorithm each, trained, chosen and measured, and kept in a file once finished.

If an algorithm's training diverges, its row says so, and the race goes on.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from models.backbones.backbone import Params, part
from models.inner_loop import BODY
from training.comparison.kept import read
from training.comparison.task_classes import TaskClasses
from training.comparison.traces import Subject, accuracy_of, trace
from training.measures.evaluation import sampler_of
from training.measures.measured import Protocol
from training.progress import bar
from training.race.entrants import own_of, recipe_of
from training.race.pace import Pace, pace_of
from training.race.plan import Plan
from training.run.divergence import Diverged
from training.run.machine import described
from training.run.trainer import CHECKPOINT, Trainer
from training.whole_file import write_whole

_ROWS, _TRAINED, _PACE = "rows", "trained", "pace.json"
_REPEATS, _UNTIMED = 31, 3
DIVERGED = "diverged"  # a row's key: at which step, and how it was noticed


def kept_rows(out: Path) -> set[str]:
    """The algorithms whose rows are kept in a race's folder."""
    return {path.stem for path in (out / _ROWS).glob("*.json")}


@dataclass(frozen=True)
class Track:
    """What all algorithms are measured with.

    Attributes:
        plan: of the race.
        classes: for training, for choosing and for reporting.
        out: folder of the race.
        device: where to compute.
    """

    plan: Plan
    classes: TaskClasses
    out: Path
    device: torch.device

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each algorithm's JSON values, measured now or read from an earlier run."""
        folder = self.out / _ROWS
        folder.mkdir(exist_ok=True)
        names = self.plan.algorithms
        done = kept_rows(self.out) & set(names)
        with bar(len(names), self.plan.name, "algorithm", done=len(done)) as shown:
            for name in names:
                path = folder / f"{name}.json"
                if name not in done:
                    start = time.perf_counter()
                    values = self._row(name)
                    write_whole(path, json.dumps(values) + "\n")
                    tqdm.write(_told(values, time.perf_counter() - start))
                    shown.update(1)
                yield read(path)

    def _row(self, name: str) -> dict[str, Any]:
        common = {"algorithm": name, "own": own_of(name), "machine": described(self.device)}
        try:
            trainer, pace = self._trained(name)
        except Diverged as error:
            return common | {DIVERGED: error.found}
        progress, recipe, learner = trainer.progress, trainer.recipe, trainer.learner
        phi = {key: value.detach() for key, value in trainer.best.items()}
        subject = Subject(learner, lambda _: phi, trainer.preprocessing, self.device)
        unseen = self.classes.unseen
        accuracies = [
            {"ways": one.ways, "shots": one.shots}
            | accuracy_of(trace(subject, unseen, one, (learner.rule.steps,)))
            for one in self.plan.protocols()
        ]
        return common | {
            "parameters": _trained_parameters(learner.initial(recipe.seed), phi),
            "operations_of_an_image": learner.backbone.operations,
            "pace": asdict(pace),
            "training": {
                "steps": progress.step,
                "seconds": progress.seconds,
                "tasks_per_second": progress.step * recipe.outer.tasks / progress.seconds,
                "best_step": progress.best_step,
                "development_accuracy": progress.best_accuracy,
                "looks": progress.looks,
            },
            "unseen": accuracies,
            "seconds_of_adapting": seconds_of_adapting(subject, self.classes, self.plan.protocols()[0]),
            "recipe": recipe.as_dict(),
        }

    def _trained(self, name: str) -> tuple[Trainer, Pace]:
        """Train, resume an interrupted training, or read a finished one."""
        folder = self.out / _TRAINED / name
        training, development = self.classes.training, self.classes.development
        if not (folder / _PACE).exists():
            tried = recipe_of(self.plan, name, steps=1)
            pace_of(tried, training, development, self.device, self.plan.seconds).keep(folder / _PACE)
        pace = Pace.kept(folder / _PACE)
        recipe = recipe_of(self.plan, name, pace.steps)
        trainer = Trainer(recipe, training, development, folder, device=self.device)
        if (folder / CHECKPOINT).exists():
            trainer.resume()
        if trainer.progress.step < pace.steps:
            trainer.run()
        return trainer, pace


def seconds_of_adapting(subject: Subject, classes: TaskClasses, protocol: Protocol) -> float:
    """Median seconds to adapt to the support set of a single task as a request does, on one thread of the CPU."""
    sampler = sampler_of(classes.unseen, protocol)
    learner, phi = subject.learner, {name: value.cpu() for name, value in subject.phi_of(()).items()}
    threads, spent = torch.get_num_threads(), []
    torch.set_num_threads(1)
    try:
        embedding = learner.embedding(part(phi, BODY)) if learner.keeps_features else None
        for number in range(_UNTIMED + _REPEATS):
            support = sampler.episodes([number]).map_images(subject.preprocessing.normalise).support
            start = time.perf_counter()
            with torch.no_grad():
                features: Tensor | None = None if embedding is None else embedding(support.images[0])[None]
                learner.adapt(phi, support, features=features)
            spent.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return median(spent[_UNTIMED:])


def _trained_parameters(first: Params, best: Params) -> int:
    """Count the numbers of phi in all tensors that training has changed."""
    return sum(value.numel() for name, value in best.items() if not torch.equal(value.cpu(), first[name]))


def _told(row: dict[str, Any], seconds: float) -> str:
    if DIVERGED in row:
        return f"{row['algorithm']}: training has diverged, {row[DIVERGED]} ({seconds:.0f} s in all)"
    accuracies = ", ".join(
        f"{one['ways']}-way {100 * one['accuracy']:.1f} ± {100 * one['interval_95']:.1f}" for one in row["unseen"]
    )
    training = row["training"]
    return (
        f"{row['algorithm']}: {accuracies} %, {training['steps']} steps in {training['seconds']:.0f} s, "
        f"{training['tasks_per_second']:.0f} tasks/s ({seconds:.0f} s in all)"
    )
