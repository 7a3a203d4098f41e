"""The outer gradient does not depend on how a step's tasks are divided, and runs on another device."""

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from models.support import Support
from tests.training.tiny_run import TRAINING, recipe
from training.outer.gradient import OuterGradient
from training.outer.loss import outer_loss
from training.outer.micro_batches import bytes_of_graph, split
from training.outer.precision import is_reduced, told_precision
from training.outer.processes import Processes
from training.outer_plan import Outer
from training.recipe import RecipeError
from training.tasks.episodes import EpisodeSampler

TASKS = 5


@pytest.fixture
def batch():
    return EpisodeSampler(TRAINING, ways=(2, 4), shots=(1, 2), queries=2, seed=0, ragged=True).batch(0, TASKS)


def gradient(plan, batch, step, *, budget, processes=Processes()):  # noqa: B008
    learner = plan.build_learner()
    phi = {name: value.requires_grad_() for name, value in learner.initial(0).items()}
    outer = OuterGradient(learner, plan.outer, processes, budget)
    figures = outer(phi, batch, step)
    return figures, {name: value.grad for name, value in phi.items() if value.grad is not None}


@pytest.mark.parametrize("step", [0, 9], ids=["warm-up", "adapting"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_micro_batches_add_up_to_the_whole(batch, step, precision):
    plan = recipe(outer=Outer(tasks=TASKS, warm_up=5, precision=precision))
    figures, whole = gradient(plan, batch, step, budget=1 << 40)
    parted_figures, parted = gradient(plan, batch, step, budget=1)
    assert parted_figures == pytest.approx(figures, rel=1e-5)
    assert parted.keys() == whole.keys()
    for name, value in whole.items():
        # In bfloat16 another number of tasks rounds otherwise.
        close = {"rtol": 1e-4, "atol": 1e-6} if precision == "float32" else {"rtol": 0.1, "atol": 0.02}
        torch.testing.assert_close(parted[name], value, **close)


@dataclasses.dataclass(frozen=True)
class Thread(Processes):
    """Threads in the place of processes."""

    meeting: threading.Barrier = None
    brought: dict = None

    def add_up(self, values):
        flat = torch.cat([value.detach().flatten() for value in values])
        self.brought[self.rank] = flat
        self.meeting.wait(60)
        total = sum(self.brought[rank] for rank in range(self.size))
        self.meeting.wait(60)
        for value, part in zip(values, total.split([value.numel() for value in values]), strict=True):
            value.copy_(part.view_as(value))


def shared_gradient(plan, batch, step, size):
    meeting, brought = threading.Barrier(size), {}
    with ThreadPoolExecutor(size) as pool:
        tasks = [
            pool.submit(gradient, plan, batch, step, budget=1, processes=Thread(rank, size, meeting, brought))
            for rank in range(size)
        ]
        return tasks[-1].result()


@pytest.mark.parametrize("rule", ["gradient", "reptile", "evolution", "policy-gradient"])
@pytest.mark.parametrize("reward", ["accuracy", "loss"])
def test_processes_and_micro_batches_give_the_gradient_of_one_whole(batch, rule, reward):
    plan = recipe(outer=Outer(tasks=TASKS, rule=rule, reward=reward))
    figures, whole = gradient(plan, batch, 0, budget=1 << 40)
    for size in (1, 2, 3):
        of_all, shared = shared_gradient(plan, batch, 0, size)
        assert of_all == pytest.approx(figures, rel=1e-4)
        assert shared.keys() == whole.keys()
        for name, value in whole.items():
            torch.testing.assert_close(shared[name], value, rtol=1e-3, atol=1e-5)


def test_bfloat16_is_for_processors_that_multiply_it(batch, monkeypatch):
    plans = {name: recipe(outer=Outer(tasks=TASKS, precision=name)) for name in ("float32", "bfloat16")}
    _, exact = gradient(plans["float32"], batch, 0, budget=1 << 40)
    for has, told in ((True, "bfloat16"), (False, "float32, for want of bfloat16 products")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=has: {"avx2": True, "avx512_bf16": has})
        assert told_precision(plans["bfloat16"].outer, torch.device("cpu")) == told
        _, found = gradient(plans["bfloat16"], batch, 0, budget=1 << 40)
        assert all(torch.equal(value, exact[name]) for name, value in found.items()) != has
    assert told_precision(plans["float32"].outer, torch.device("cpu")) == "float32"


def test_old_gpus_compute_in_float32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
    assert not is_reduced(Outer(precision="bfloat16"), torch.device("cuda"))


def test_a_budget_is_kept(batch, monkeypatch):
    plan = recipe(outer=Outer(tasks=TASKS))
    learner = plan.build_learner()
    phi = {name: value.requires_grad_() for name, value in learner.initial(0).items()}

    def graph(part):
        return bytes_of_graph(lambda: outer_loss(learner, phi, part, inner_steps=None, second_order=True).loss)

    one = graph(batch.part(slice(0, 1)))
    assert one > batch.part(slice(0, 1)).support.images.nbytes
    assert 4 * one < graph(batch) < 6 * one
    seen = []
    outer = OuterGradient(learner, plan.outer, Processes(), int(2.5 * one))
    outer._loss = lambda phi, batch, chosen, step: (
        seen.append(chosen.stop - chosen.start) or OuterGradient._loss(outer, phi, batch, chosen, step)
    )
    outer(phi, batch, step=9)
    assert seen == [1, 1, 2, 2]  # measured once, then in parts


@pytest.mark.parametrize("annealed", [{"first_order_until": 9}, {"multi_step_until": 9}])
def test_a_run_that_goes_on_splits_as_one_that_was_not_broken(batch, annealed):
    plan = recipe(outer=Outer(tasks=TASKS, **annealed))
    plan.learner["rule"]["steps"] = 3
    learner = plan.build_learner()
    phi = {name: value.requires_grad_() for name, value in learner.initial(0).items()}

    def split_at(*steps, budget):
        sizes = []
        outer = OuterGradient(learner, plan.outer, Processes(), budget)
        outer._loss = lambda phi, batch, chosen, step: (
            sizes.append(chosen.stop - chosen.start) or OuterGradient._loss(outer, phi, batch, chosen, step)
        )
        for step in steps:
            sizes.clear()
            outer(phi, batch, step)
        return [size for size in sizes if size > 1]

    def graph(step):
        outer = OuterGradient(learner, plan.outer, Processes(), 1)
        return bytes_of_graph(lambda: outer._loss(phi, batch, slice(0, 1), step).loss)

    small, large = sorted((graph(8), graph(9)))
    assert large > 1.2 * small
    budget = int(1.1 * TASKS * small)
    assert split_at(8, 9, budget=budget) == split_at(9, budget=budget)
    assert split_at(8, budget=budget) != split_at(9, budget=budget)


def test_parts_are_even_and_whole(batch):
    assert list(split(slice(3, 7), 3)) == [slice(3, 5), slice(5, 7)]
    parts = [batch.part(chosen) for chosen in split(slice(0, TASKS), 2)]
    assert [part.tasks for part in parts] == [1, 2, 2]
    assert torch.equal(torch.cat([part.query_images for part in parts]), batch.query_images)
    assert torch.equal(torch.cat([part.support.ways for part in parts]), batch.support.ways)


def test_processes_divide_all_tasks_and_need_one_each():
    for size in (1, 2, 3, 5):
        taken = [list(range(TASKS))[Processes(rank, size).share(TASKS)] for rank in range(size)]
        assert [task for share in taken for task in share] == list(range(TASKS))
        assert all(taken)
    plan = recipe(outer=Outer(tasks=1))
    with pytest.raises(RecipeError, match=r"outer\.tasks"):
        OuterGradient(plan.build_learner(), plan.outer, Processes(0, 2), 1)


@pytest.mark.parametrize("normalisation", ["group", "running", "support"])
def test_adapting_stays_on_the_device_of_phi(normalisation, monkeypatch):
    """On torch's device without values, whose tensors refuse to meet those of another."""
    plan = recipe(outer=Outer(tasks=2))
    plan.learner["backbone"]["normalisation"] = normalisation
    learner = dataclasses.replace(plan, outer=Outer(tasks=2, warm_up=1)).build_learner()
    batch = EpisodeSampler(TRAINING, ways=3, shots=1, queries=2, seed=0).batch(0, 2).to(torch.device("meta"))
    monkeypatch.setattr(Support, "most_ways", 3)  # the one value that is asked for
    phi = {name: value.to("meta") for name, value in learner.initial(0).items()}
    learned = [value.requires_grad_() for name, value in phi.items() if not name.endswith("moments")]
    result = outer_loss(learner, phi, batch, inner_steps=None, second_order=True)
    result.loss.backward()
    assert {value.grad.device.type for value in learned} == {"meta"}
    assert result.accuracy.device.type == "meta"
