"""The outer gradient over the tasks of one step, in micro-batches that fit into memory, across all processes."""

import torch
from torch import Tensor

from models.backbones.backbone import Params, is_constant
from models.learner import Learner
from training.outer.distillation import Teacher
from training.outer.likeness import Likeness
from training.outer.loss import OuterLoss
from training.outer.micro_batches import bytes_of_graph, split
from training.outer.precision import is_reduced
from training.outer.processes import Processes
from training.outer.rules import annealed, loss_by_rule
from training.outer.warm_up import WarmUp
from training.outer_plan import Outer
from training.recipe import RecipeError
from training.tasks.episode_batch import EpisodeBatch


class OuterGradient:
    """Writes the outer gradient of a step into the ``grad`` of phi's tensors.

    A step's tasks are divided among the processes, and each process's share into micro-batches. Up to rounding,
    their gradients add up to that of the whole batch: an outer rule makes its random draws for all tasks of the
    step, and rewards are ranked across all processes. ``evolution`` keeps no graph and needs no micro-batches. A
    warm-up that uses all images of a step together (``pairs``, ``classes``, ``likeness``, or ``running``
    normalisation, whose moments are those of the batch) is not divided: every process computes the whole of it.
    """

    def __init__(
        self,
        learner: Learner,
        outer: Outer,
        processes: Processes,
        budget: int,
        *,
        seed: int = 0,
        teacher: Teacher | None = None,
        likeness: Likeness | None = None,
    ) -> None:
        """Take what stays the same from step to step.

        Args:
            learner: the composition.
            outer: the plan.
            processes: those that share the work.
            budget: bytes that the graph of a micro-batch may hold.
            seed: of the outer rule's random draws.
            teacher: of the warm-up by ``classes``, if any.
            likeness: the loss of the warm-up by ``likeness``, which needs it.

        Raises:
            RecipeError: if there are fewer tasks than processes.
        """
        if outer.tasks < processes.size:
            raise RecipeError(
                f"outer.tasks is {outer.tasks}: {processes.size} processes need at least as many, one for each"
            )
        self._learner, self._outer, self._processes, self._budget = learner, outer, processes, budget
        self._seed = seed
        self._warm_up = WarmUp(outer.warm_up_loss, outer.every_position, teacher, likeness)
        self._fitting: dict[tuple[bool, ...], int] = {}  # tasks of a micro-batch, by the kind of their graph

    def __call__(self, phi: Params, batch: EpisodeBatch, step: int) -> Tensor:
        """Compute the gradient of one step.

        Args:
            phi: the parameters; any previous ``grad`` is dropped.
            batch: all tasks of the step, the same in every process.
            step: its number, from 0, which decides whether it belongs to the warm-up.

        Returns:
            The query loss and the accuracy ``[2]``, averaged over the step's tasks; a GPU may not be done yet.
        """
        for value in phi.values():
            value.grad = None
        warming = step < self._outer.warm_up
        together = self._outer.warm_up_loss != "episodes" or self._learner.backbone.normalisation == "running"
        if warming and together:
            result = self._loss(phi, batch, slice(0, batch.tasks), step)
            result.loss.backward()
            figures = torch.stack([result.loss.detach(), result.accuracy])
            self._average(phi, figures)
        else:
            figures = self._in_parts(phi, batch, step)
        return figures

    def _in_parts(self, phi: Params, batch: EpisodeBatch, step: int) -> Tensor:
        figures = batch.query_weights.new_zeros(2)
        mine = self._processes.share(batch.tasks)
        for chosen in split(mine, self._tasks_at_once(phi, batch, mine, step)):
            result = self._loss(phi, batch, chosen, step)
            share = (chosen.stop - chosen.start) / batch.tasks
            (result.loss * share).backward()
            figures += share * torch.stack([result.loss.detach(), result.accuracy])
        self._processes.add_up([*_gradients(phi), figures])
        return figures

    def _loss(self, phi: Params, batch: EpisodeBatch, chosen: slice, step: int) -> OuterLoss:
        outer, device = self._outer, batch.query_images.device
        with torch.autocast(device.type, torch.bfloat16, enabled=is_reduced(outer, device)):
            if step < outer.warm_up:
                return self._warm_up.loss(self._learner, phi, batch.part(chosen), step)
            return loss_by_rule(self._learner, phi, batch, chosen, outer, step, self._seed, self._processes)

    def _tasks_at_once(self, phi: Params, batch: EpisodeBatch, mine: slice, step: int) -> int:
        """How many tasks fit into the budget, judging by the graph of one."""
        if self._outer.rule == "evolution":
            return batch.tasks
        # Measured once for each kind of graph, not once a sitting: a resumed run must split as if uninterrupted.
        kind = (step < self._outer.warm_up, *annealed(self._outer, step))
        if kind not in self._fitting:
            first = slice(mine.start, mine.start + 1)
            one = bytes_of_graph(lambda: self._loss(phi, batch, first, step).loss)
            self._fitting[kind] = max(1, self._budget // max(1, one))
        return self._fitting[kind]

    def _average(self, phi: Params, figures: Tensor) -> None:
        self._processes.add_up([*_gradients(phi), figures])
        for value in (*_gradients(phi), figures):
            value.div_(self._processes.size)
        constants = [value for name, value in phi.items() if is_constant(name)]
        self._processes.take_firsts(constants)


def _gradients(phi: Params) -> list[Tensor]:
    return [value.grad for value in phi.values() if value.grad is not None]
