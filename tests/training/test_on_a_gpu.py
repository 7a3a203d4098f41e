"""What a run does on a GPU, as far as can be told without one: where tensors are, and when they are read."""

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.interrupted import Interrupted
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.outer_plan import Outer
from training.recipe import Episodes, Jitter
from training.run import machine
from training.run.board import Board
from training.run.told_figures import ToldFigures
from training.run.trainer import Trainer
from training.tasks.training_tasks import TrainingTasks


def test_images_are_changed_on_the_device_and_what_is_drawn_is_drawn_on_the_cpu():
    """On torch's device without values, whose tensors refuse to meet those of another."""
    strong = Jitter(rotation=5, shift=0.02, mirror=True, elastic=0.01)
    plan = recipe(
        episodes=Episodes(ways=5, shots=1, queries=2, mixing=0.5, turning=0.5),
        jitter=strong,
        class_jitter=strong,
        task_jitter=Jitter(scale=0.1),
        outer=Outer(tasks=4, steps=8, warm_up=8, first_side=8),
    )
    here = TrainingTasks(plan, TRAINING, plan.build_preprocessing()).of_step(1)
    there = TrainingTasks(plan, TRAINING, plan.build_preprocessing(), "meta").of_step(1)
    assert {there.query_images.device.type, there.support.images.device.type} == {"meta"}
    assert there.query_images.shape == here.query_images.shape == (4, 10, 1, 8, 8)
    for name in ("class_ids", "query_labels", "query_weights", "support_places", "query_places"):
        assert torch.equal(getattr(there, name), getattr(here, name)), name


def told(folder):
    events = EventAccumulator(str(folder)).Reload()
    return [(one.step, one.value) for one in events.Scalars("training/query_loss")]


def test_a_step_is_told_of_when_the_next_is_under_way(tmp_path):
    with Board(tmp_path, first=1) as board:
        figures = ToldFigures(board)
        assert figures.loss == "none yet"
        figures.put(1, torch.tensor([0.5, 0.25]))
        assert figures.loss == "none yet"
        figures.put(2, torch.tensor([0.25, 0.5]))
        assert figures.loss == "0.500"
        figures.tell()
        figures.tell()
        assert figures.loss == "0.250"
    assert told(tmp_path) == [(1, 0.5), (2, 0.25)]


def test_every_step_is_told_of_once_however_often_a_run_is_interrupted(tmp_path):
    Trainer(recipe(), TRAINING, VALIDATION, tmp_path / "whole").run()
    with pytest.raises(KeyboardInterrupt):
        Interrupted(recipe(), TRAINING, VALIDATION, tmp_path / "broken", at=3).run()
    resumed = Trainer(recipe(), TRAINING, VALIDATION, tmp_path / "broken")
    resumed.resume()
    resumed.run()
    whole = told(tmp_path / "whole")
    assert [step for step, _ in whole] == list(range(1, 9))
    assert told(tmp_path / "broken") == [(step, pytest.approx(loss, rel=1e-4)) for step, loss in whole]


def test_a_resumed_run_has_all_of_its_phi_on_the_device(tmp_path):
    Trainer(recipe(), TRAINING, VALIDATION, tmp_path).run()
    resumed = Trainer(recipe(), TRAINING, VALIDATION, tmp_path, device="meta")
    resumed.resume()
    moments = [state["exp_avg"] for state in resumed.optimiser.state.values()]
    held = (*resumed.phi.values(), *resumed.best.values(), *moments)
    assert {value.device.type for value in held} == {"meta"}


def test_a_card_names_the_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"Some GPU {device.index}")
    assert machine.described(torch.device("cuda", 1)) == f"Some GPU 1, torch {torch.__version__}"
    assert f"{torch.get_num_threads()} threads" in machine.described(torch.device("cpu"))
