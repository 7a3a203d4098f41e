"""A meta-training run: outer steps, validation looks, checkpoints, resuming."""

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.learner import Learner
from training.datasets.class_images import ClassImages
from training.datasets.image_cache import DEFAULT_FOLDER
from training.outer.class_loss import CENTRES
from training.outer.gradient import OuterGradient
from training.outer.processes import Processes
from training.progress import bar, log
from training.recipe import Recipe
from training.run.after_warm_up import measure_features
from training.run.ahead import ahead
from training.run.board import Board
from training.run.checkpoint import CHECKPOINT, Progress, load_checkpoint, save_checkpoint
from training.run.class_teacher import class_teacher
from training.run.divergence import check_finite, divergence_told
from training.run.feature_teacher import FeatureTeacher
from training.run.interruption import Interruption
from training.run.looks import accuracy_of, is_best, look_line, out_of_patience, told_accuracies
from training.run.optimiser import optimiser_of, planned, set_rates
from training.run.pretrained import Pretrained, first_phi
from training.run.told_figures import ToldFigures
from training.tasks.episode_batch import EpisodeBatch
from training.tasks.training_tasks import TrainingTasks

__all__ = ["BUDGET", "CHECKPOINT", "Trainer"]
BUDGET = 2 * 1024**3  # bytes
_AHEAD = 2  # batches of episodes drawn while a GPU works
Gradient = Callable[[Params, EpisodeBatch, int], Tensor]


class Trainer:
    """Runs a recipe's outer loop on given classes.

    Tasks depend on the recipe's seed and the step alone, so a resumed run gives the phi of an uninterrupted one.
    """

    def __init__(
        self,
        recipe: Recipe,
        training: ClassImages,
        validation: ClassImages,
        out: Path,
        *,
        device: torch.device | str = "cpu",
        processes: Processes | None = None,
        budget: int = BUDGET,
        pretrained: Pretrained | None = None,
        cache: Path = DEFAULT_FOLDER,
        on_look: Callable[[int, float], None] | None = None,
    ) -> None:
        """Prepare the first phi and everything that trains it.

        Args:
            recipe: of the run.
            training: classes of the training tasks.
            validation: classes of the tasks that choose phi.
            out: folder for checkpoints and TensorBoard events.
            device: where to compute.
            processes: those that share the work; None if there is only this one.
            budget: bytes that the graph of a micro-batch of tasks may hold.
            pretrained: what phi starts from; None for a fresh one.
            cache: where a teacher's features are kept between runs.
            on_look: called with step and accuracy after each look and checkpoint; what it raises ends the run.

        Raises:
            RecipeError: if the recipe contradicts itself, or does not fit its data, teacher or the processes.
        """
        self.on_look = on_look
        self.recipe, self.training, self.validation, self.out = recipe, training, validation, out
        self.device, self.processes = torch.device(device), processes or Processes()
        self.learner, self.preprocessing = self._built_learner(), recipe.build_preprocessing()
        self.tasks = TrainingTasks(recipe, training, self.preprocessing, self.device)
        self.feature_teacher = FeatureTeacher.of(recipe, self.tasks, cache, alone=self.processes.size == 1)
        self.gradient = self._built_gradient(budget)
        self.pretrained = pretrained
        self.phi = {name: value.to(self.device) for name, value in self._first_phi().items()}
        self.optimiser = optimiser_of(self.phi, self._rate_and_decay)
        self.progress = Progress()
        self.best: Params = self._copy()

    def resume(self) -> None:
        """Continue from the checkpoint in ``out``; CheckpointError if it is unusable or not of this run."""
        best, self.progress = load_checkpoint(
            self.out / CHECKPOINT,
            phi=self.phi,
            optimiser=self.optimiser,
            recipe=self.recipe.as_dict(),
            data=self._data,
        )
        self.best = {name: value.to(self.device) for name, value in best.items()}

    def save(self) -> None:
        """Write the checkpoint to ``out``; CheckpointError if that fails."""
        save_checkpoint(
            self.out / CHECKPOINT,
            phi=self.phi,
            best=self.best,
            optimiser=self.optimiser,
            progress=self.progress,
            recipe=self.recipe.as_dict(),
            data=self._data,
        )

    def run(self) -> None:
        """Train to the end, to an early stop, or until interrupted.

        Raises:
            KeyboardInterrupt: after Ctrl-C or SIGTERM, once the current step is done and saved.
            Diverged: if training diverged; the checkpoint of the last look remains.
            CheckpointError: if a checkpoint cannot be written.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        outer, progress, is_first = self.recipe.outer, self.progress, self.processes.is_first
        with ExitStack() as stack:
            stack.enter_context(divergence_told(self.phi, lambda: progress.step))
            interruption = stack.enter_context(Interruption())
            teacher = self.feature_teacher
            if teacher is not None and progress.step < outer.warm_up:
                self._do_whole(lambda: teacher.prepare(interruption))
            shown = bar(outer.steps, self.recipe.name, "step", done=progress.step, shown=is_first)
            stack.enter_context(shown)
            board: Board | None = None
            if is_first:
                board = stack.enter_context(Board(self.out, first=progress.step + 1))
            batches = self._batches(range(progress.step, outer.steps))
            stack.callback(batches.close)
            figures = ToldFigures(board)
            stack.callback(figures.tell)
            patience = self.recipe.validation.patience
            while progress.step < outer.steps and not out_of_patience(progress, patience, outer.warm_up):
                if progress.step == outer.warm_up:
                    self._do_whole(lambda: self._measure_features(interruption))
                start = time.perf_counter()
                found = self._step(progress.step, next(batches))
                progress.step += 1
                figures.put(progress.step, found)
                progress.seconds += time.perf_counter() - start
                if progress.step % self.recipe.validation.every == 0 or progress.step == outer.steps:
                    check_finite(self.phi, progress.step)
                    self._look(board)
                    self._save_as_first()
                    if is_first:
                        figures.tell()
                        log(look_line(progress, self.recipe, {"loss": figures.loss, **self._told()}))
                    if self.on_look is not None:
                        self.on_look(*progress.looks[-1])
                rate = progress.step * outer.tasks / progress.seconds
                told = {"loss": figures.loss, **self._told(), "tasks_per_s": f"{rate:.1f}"}
                shown.set_postfix(told, refresh=False)
                shown.update(1)
                if self.processes.any(interruption.wanted, self.device):
                    self._save_as_first()
                    raise KeyboardInterrupt

    def _do_whole(self, work: Callable[[], bool]) -> None:
        """Do what takes minutes between two steps; if it returns False, being interrupted, save and stop."""
        start = time.perf_counter()
        whole = work()
        self.progress.preparing += time.perf_counter() - start
        if not whole:
            self._save_as_first()
            raise KeyboardInterrupt

    def _measure_features(self, interruption: Interruption) -> bool:
        def stop() -> bool:
            return self.processes.any(interruption.wanted, self.device)

        quiet = not self.processes.is_first
        return measure_features(self.learner, self.phi, self.preprocessing, self.training, stop=stop, quiet=quiet)

    @property
    def _data(self) -> str:
        """A digest of the training and validation data."""
        return f"{self.training.digest} {self.validation.digest}"

    def _told(self) -> dict[str, str]:
        """What bars and logs tell besides the loss, by its name."""
        return told_accuracies(self.progress, self.recipe.outer.warm_up)

    def _built_learner(self) -> Learner:
        return self.recipe.build_learner()

    def _built_gradient(self, budget: int) -> Gradient:
        return OuterGradient(
            self.learner,
            self.recipe.outer,
            self.processes,
            budget,
            seed=self.recipe.seed,
            teacher=class_teacher(self.recipe, self.tasks.turning.classes, self.device),
            likeness=self.feature_teacher,
        )

    def _first_phi(self) -> Params:
        return first_phi(self.recipe, self.learner, self.tasks.turning.classes, self.pretrained)

    def _step(self, step: int, batch: EpisodeBatch) -> Tensor:
        outer = self.recipe.outer
        set_rates(self.optimiser, step, outer.steps)
        figures = self.gradient(self.phi, batch, step)
        learned = [value for value in self.phi.values() if value.grad is not None]
        torch.nn.utils.clip_grad_norm_(learned, outer.clip)
        self.optimiser.step()
        return figures

    def _batches(self, steps: range) -> Generator[EpisodeBatch]:
        if self.device.type == "cpu":
            # The step itself uses all cores: drawing in a second thread made it slower by a fifth.
            return (self._batch(step) for step in steps)
        return ahead(self._batch, steps, _AHEAD)

    def _batch(self, step: int) -> EpisodeBatch:
        return self.tasks.of_step(step).to(self.device)

    def _save_as_first(self) -> None:
        if self.processes.is_first:
            self.save()

    def _look(self, board: Board | None) -> None:
        progress = self.progress
        warming = progress.step <= self.recipe.outer.warm_up
        found = torch.zeros((), dtype=torch.float64, device=self.device)
        if self.processes.is_first:
            made = self.learner, self.phi, self.preprocessing
            found.fill_(accuracy_of(self.recipe, *made, self.validation, warming=warming))
        self.processes.take_firsts([found])  # so that all processes stop at the same step
        accuracy = float(found)
        if board is not None:
            board.add_scalar("validation/accuracy", accuracy, progress.step)
        progress.looks.append((progress.step, accuracy))
        if is_best(progress, accuracy, self.recipe.outer.warm_up):
            progress.best_accuracy, progress.best_step, self.best = accuracy, progress.step, self._copy()

    def _rate_and_decay(self, name: str, value: Tensor) -> tuple[float, float]:
        """The highest learning rate and the weight decay of one tensor of phi."""
        return planned(self.recipe.outer, name, value)

    def _copy(self) -> Params:
        return {name: value.detach().clone() for name, value in self.phi.items() if name != CENTRES}
