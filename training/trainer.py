"""A meta-training run: outer steps, validation looks, checkpoints, resuming."""

import math
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from models.conv4 import Params
from models.learner import RATES
from training.augmentation import jitter
from training.checkpoint import Progress, load_checkpoint, save_checkpoint
from training.datasets.class_images import ClassImages
from training.episodes import EpisodeBatch, EpisodeSampler
from training.evaluation import Protocol, measure
from training.outer_loop import outer_loss, warm_up_loss
from training.recipe import Recipe

CHECKPOINT = "checkpoint.safetensors"
_MOMENTS = ".moments"


class Trainer:
    """Runs a recipe's outer loop on given classes.

    Episodes and jitter are functions of the recipe's seed and the step alone, so a run that was interrupted
    and resumed gives the same phi as one that was not.
    """

    def __init__(self, recipe: Recipe, training: ClassImages, validation: ClassImages, out: Path) -> None:
        """Draw the first phi; ``out`` takes checkpoints and TensorBoard's events."""
        self.recipe, self.validation, self.out = recipe, validation, out
        self.learner, self.preprocessing = recipe.build_learner(), recipe.build_preprocessing()
        self.phi = self.learner.initial(recipe.seed)
        self.optimiser = self._optimiser()
        self.progress = Progress()
        self.best: Params = self._copy()
        episodes = recipe.episodes
        self.sampler = EpisodeSampler(
            training,
            ways=episodes.ways,
            shots=episodes.shots,
            queries=episodes.queries,
            seed=recipe.seed,
            within_group=episodes.within_group,
        )

    def resume(self) -> None:
        """Continue from the checkpoint in ``out``."""
        self.best, self.progress = load_checkpoint(
            self.out / CHECKPOINT, phi=self.phi, optimiser=self.optimiser, recipe=self.recipe.as_dict()
        )

    def save(self) -> None:
        """Write the checkpoint."""
        save_checkpoint(
            self.out / CHECKPOINT,
            phi=self.phi,
            best=self.best,
            optimiser=self.optimiser,
            progress=self.progress,
            recipe=self.recipe.as_dict(),
        )

    def run(self) -> None:
        """Train to the end, to an early stop, or until interrupted (Ctrl-C), which saves first."""
        self.out.mkdir(parents=True, exist_ok=True)
        outer, progress = self.recipe.outer, self.progress
        bar = tqdm(total=outer.steps, initial=progress.step, desc=self.recipe.name, unit="step")
        with bar, SummaryWriter(str(self.out), purge_step=progress.step + 1) as board:
            try:
                while progress.step < outer.steps and not self._out_of_patience():
                    start = time.perf_counter()
                    loss, accuracy = self._step(progress.step)
                    progress.step += 1
                    progress.seconds += time.perf_counter() - start
                    board.add_scalar("training/query_loss", loss, progress.step)
                    board.add_scalar("training/query_accuracy", accuracy, progress.step)
                    if progress.step % self.recipe.validation.every == 0 or progress.step == outer.steps:
                        self._look(board)
                        self.save()
                    rate = progress.step * outer.tasks / progress.seconds
                    best = f"{progress.best_accuracy:.2%}" if progress.looks else "none yet"
                    bar.set_postfix(loss=f"{loss:.3f}", best=best, tasks_per_s=f"{rate:.1f}", refresh=False)
                    bar.update(1)
            except KeyboardInterrupt:
                self.save()
                raise

    def _step(self, step: int) -> tuple[float, float]:
        outer = self.recipe.outer
        for group in self.optimiser.param_groups:
            group["lr"] = group["highest"] * 0.5 * (1 + math.cos(math.pi * step / outer.steps))
        batch = self._batch(step)
        with torch.autocast("cpu", torch.bfloat16, enabled=outer.precision == "bfloat16"):
            if step < outer.warm_up:
                pairs = outer.warm_up_loss == "pairs"
                result = warm_up_loss(self.learner, self.phi, batch, pairs=pairs)
            else:
                result = outer_loss(
                    self.learner, self.phi, batch, inner_steps=None, second_order=outer.second_order
                )
        self.optimiser.zero_grad()
        result.loss.backward()
        learned = [value for value in self.phi.values() if value.grad is not None]
        torch.nn.utils.clip_grad_norm_(learned, outer.clip)
        self.optimiser.step()
        return float(result.loss.detach()), result.accuracy

    def _batch(self, step: int) -> EpisodeBatch:
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + step)
        batch = self.sampler.batch(step, self.recipe.outer.tasks)
        ranges, of_classes, classes = self.recipe.jitter, self.recipe.class_jitter, batch.image_classes
        return batch.map_images(
            lambda images: self.preprocessing.normalise(
                jitter(images, ranges, generator, classes=classes, of_classes=of_classes)
            )
        )

    def _look(self, board: SummaryWriter) -> None:
        plan, progress = self.recipe.validation, self.progress
        protocol = Protocol(
            plan.ways, plan.shots, plan.queries, plan.episodes, plan.seed, bool(plan.within_group)
        )
        warming = progress.step <= self.recipe.outer.warm_up
        measured = measure(
            self.learner,
            self.phi,
            self.preprocessing,
            self.validation,
            protocol,
            inner_steps=0 if warming else None,
        )
        board.add_scalar("validation/accuracy", measured.accuracy, progress.step)
        progress.looks.append((progress.step, measured.accuracy))
        # What the warm-up reached was reached without adapting: it does not compete with what follows.
        first_adapted = not warming and progress.best_step <= self.recipe.outer.warm_up
        if measured.accuracy > progress.best_accuracy or first_adapted:
            progress.best_accuracy, progress.best_step, self.best = (
                measured.accuracy,
                progress.step,
                self._copy(),
            )

    def _out_of_patience(self) -> bool:
        patience = self.recipe.validation.patience
        since = [step for step, _ in self.progress.looks if step > self.progress.best_step]
        return 0 < patience <= len(since) and self.progress.step > self.recipe.outer.warm_up

    def _optimiser(self) -> torch.optim.Adam:
        outer = self.recipe.outer
        rates: list[Tensor] = []
        others: list[Tensor] = []
        for name, value in self.phi.items():
            if not name.endswith(_MOMENTS):
                (rates if name.startswith(RATES) else others).append(value.requires_grad_())
        groups = [{"params": others, "lr": outer.learning_rate, "highest": outer.learning_rate}]
        if rates:
            groups.append(
                {"params": rates, "lr": outer.rates_learning_rate, "highest": outer.rates_learning_rate}
            )
        return torch.optim.Adam(groups)

    def _copy(self) -> Params:
        return {name: value.detach().clone() for name, value in self.phi.items()}
