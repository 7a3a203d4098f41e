"""The search: alternating steps of the weights and of the structure, both by the outer gradient."""

import dataclasses
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from models.backbones.backbone import STRUCTURE
from models.backbones.staged import Staged
from models.learner import BODY, Learner, part
from training.datasets.class_images import ClassImages
from training.datasets.splits import shuffled
from training.outer.gradient import OuterGradient
from training.outer.processes import Processes
from training.recipe import Recipe, RecipeError
from training.run.board import Board
from training.run.trainer import BUDGET, Trainer
from training.seeds import folded
from training.structure.cost import expected_operations, likeliest, to_budget
from training.structure.record import Record
from training.structure.space import Choices, Space
from training.structure.supernet import Supernet
from training.tasks.episode_batch import EpisodeBatch
from training.tasks.episodes import EpisodeSampler


class Search(Trainer):
    """Learns a ``Supernet`` in place of the recipe's backbone, whose operations are the budget.

    Attributes:
        record: of the choices over time.
    """

    def __init__(
        self,
        recipe: Recipe,
        training: ClassImages,
        out: Path,
        *,
        device: torch.device | str = "cpu",
        processes: Processes | None = None,
        memory: int = BUDGET,
    ) -> None:
        """Divide the training classes into a half for the weights and a half for the structure.

        Args:
            recipe: of the search; its ``structure`` is the plan.
            training: classes of the training tasks.
            out: folder for checkpoints, the record and TensorBoard events.
            device: where to compute.
            processes: those that share the work; None if there is only this one.
            memory: bytes that the graph of a micro-batch of tasks may hold.

        Raises:
            RecipeError: if the outer rule is not ``gradient``, or the space's structures do not fit the input or
                the budget.
        """
        self.plan, self.backbone = recipe.structure, recipe.build_learner().backbone
        try:
            self.space = Space.of(self.plan, self.backbone.channels, self.backbone.side, unit=self.backbone.unit)
            to_budget(self.space, self.space.undecided(), self.backbone.operations)
        except ValueError as error:
            raise RecipeError(f"structure in the recipe does not fit: {error}") from error
        if recipe.outer.rule != "gradient":
            raise RecipeError(f"the search goes by gradient: outer.rule must be that, not {recipe.outer.rule}")
        order = shuffled(training.classes, recipe.seed)
        places = [training.classes.index(one) for one in order]
        halves = training.subset(places[::2]), training.subset(places[1::2])
        short = dataclasses.replace(
            recipe.outer,
            steps=self.plan.steps,
            tasks=self.plan.tasks,
            warm_up=0,
            first_order_until=0,
            multi_step_until=0,
            precision="float32",
        )
        looks = dataclasses.replace(recipe.validation, every=self.plan.every, patience=0)
        planned = dataclasses.replace(recipe, outer=short, validation=looks)
        # The record takes the place of validation looks: no validation class is seen.
        super().__init__(planned, halves[0], halves[1], out, device=device, processes=processes, budget=memory)
        episodes = recipe.episodes
        self._others = EpisodeSampler(
            halves[1],
            ways=episodes.ways,
            shots=episodes.shots,
            queries=episodes.queries,
            seed=recipe.seed + 1,
            within_group=episodes.within_group,
            ragged=episodes.ragged,
            device=device,
        )
        # Separate, because its graph is larger, so other micro-batches fit into memory.
        few = dataclasses.replace(short, tasks=self.plan.structure_tasks)
        self._structure_gradient = OuterGradient(self.learner, few, self.processes, memory, seed=recipe.seed)
        self.record = Record(self.space, self.backbone.operations)

    def resume(self) -> None:
        """Continue from the checkpoint and the record in ``out``."""
        super().resume()
        self.record.read(self.out, until=self.progress.step)
        if self.progress.step == self.plan.steps and not self.record.rows:
            self._look(None)  # its file is gone, and no step is left that would record anything

    def found(self) -> Staged:
        """The likeliest structure of all that the budget allows."""
        return self.space.backbone(likeliest(self.space, self._probabilities(), self.backbone.operations))

    def _built_learner(self) -> Learner:
        return dataclasses.replace(self.recipe.build_learner(), backbone=Supernet(self.space, drawn=True))

    def _rate_and_decay(self, name: str, value: Tensor) -> tuple[float, float]:
        return (self.plan.learning_rate, 0.0) if _is_structure(name) else super()._rate_and_decay(name, value)

    def _told(self) -> dict[str, str]:
        share = expected_operations(self.space, self._probabilities()).item() / self.backbone.operations
        return {"operations": f"{share:.0%} of the budget"}

    def _step(self, step: int, batch: EpisodeBatch) -> Tensor:
        self._let_move(structure=False)
        with self._noise(2 * step):
            figures = super()._step(step, batch)
        if step >= self.plan.warm_up:
            self._let_move(structure=True)
            with self._noise(2 * step + 1):
                others = self._others.batch(step, self.plan.structure_tasks)
                others = self.tasks.jittered(others, step).to(self.device)
                self._structure_gradient(self.phi, others, step)
            done = (step - self.plan.warm_up) / (self.plan.steps - self.plan.warm_up)
            (done * self._indecision()).backward()
            for group in self.optimiser.param_groups:
                group["lr"] = self.plan.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
            self.optimiser.step()
            self._hold_to_budget()
        return figures

    def _let_move(self, *, structure: bool) -> None:
        """Let gradients flow to the structure alone, or to everything else."""
        for name, value in self.phi.items():
            value.requires_grad_(_is_structure(name) == structure)

    @contextmanager
    def _noise(self, number: int) -> Iterator[None]:
        """Add Gumbel noise to the choices' logits, so that the likeliest options are draws; remove it on exit."""
        generator = torch.Generator().manual_seed(folded(self.recipe.seed * 1_000_003 + number))
        structure = {name: value for name, value in self.phi.items() if _is_structure(name)}
        before = {name: value.detach().clone() for name, value in structure.items()}
        with torch.no_grad():
            for value in structure.values():
                noise = -torch.empty(value.shape).exponential_(generator=generator).log()
                value.add_(noise.to(value.device))
        try:
            yield
        finally:
            with torch.no_grad():
                for name, value in structure.items():
                    value.copy_(before[name])

    def _indecision(self) -> Tensor:
        """The penalty on undecided choices that is added to the loss, at its full strength of the last steps."""
        choices = [value for one in self._probabilities() for value in one.values()]
        entropies = [-(value * value.clamp_min(1e-12).log()).sum() for value in choices]
        return self.plan.decisiveness * torch.stack(entropies).sum()

    def _hold_to_budget(self) -> None:
        held = to_budget(self.space, part(self.phi, BODY), self.backbone.operations)
        with torch.no_grad():
            for name, value in held.items():
                self.phi[f"{BODY}{name}"].copy_(value)

    def _probabilities(self) -> list[Choices]:
        return self.space.probabilities(part(self.phi, BODY))

    def _look(self, board: Board | None) -> None:
        """Record the choices, in place of measuring on validation tasks."""
        step, probabilities = self.progress.step, self._probabilities()
        operations = expected_operations(self.space, probabilities).item()
        self.record.add(step, operations, probabilities)
        if board is not None:
            board.add_scalar("structure/expected_operations", operations, step)
            self.record.write(self.out)


def _is_structure(name: str) -> bool:
    return name.startswith(f"{BODY}{STRUCTURE}")
