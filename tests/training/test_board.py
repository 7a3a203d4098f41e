"""Figures for TensorBoard: a kill loses none, and a full disk stops no training."""

import shutil

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.run import board
from training.run.board import Board
from training.run.trainer import CHECKPOINT, Trainer


def told(folder, name="a"):
    events = EventAccumulator(str(folder)).Reload()
    return [(one.step, one.value) for one in events.Scalars(name)]


def test_a_killed_run_has_the_figures_of_all_steps_of_its_checkpoint(tmp_path):
    class Watched(Trainer):
        def _step(self, step, batch):
            if step == 5:
                shutil.copytree(tmp_path / "run", tmp_path / "killed")
            return super()._step(step, batch)

    Watched(recipe(), TRAINING, VALIDATION, tmp_path / "run").run()
    resumed = Trainer(recipe(), TRAINING, VALIDATION, tmp_path / "killed")
    resumed.resume()
    assert resumed.progress.step == 4
    assert [step for step, _ in told(tmp_path / "killed", "training/query_loss")] == [1, 2, 3, 4]
    assert [step for step, _ in told(tmp_path / "killed", "validation/accuracy")] == [2, 4]


def test_a_later_sitting_replaces_what_an_earlier_one_wrote_of_its_steps(tmp_path):
    with Board(tmp_path, first=1) as sitting:
        for step in (1, 2, 3):
            sitting.add_scalar("a", step, step)
    with Board(tmp_path, first=3) as sitting:
        for step in (3, 4):
            sitting.add_scalar("a", 10 * step, step)
    assert told(tmp_path) == [(1, 1), (2, 2), (3, 30), (4, 40)]


def test_a_full_disk_stops_no_training_and_leaves_out_whole_figures(tmp_path, monkeypatch, caplog):
    class Full(board.FileIO):
        full = False

        def write(self, data):
            return super().write(data[: len(data) // 2] if Full.full else data)

    monkeypatch.setattr(board, "FileIO", Full)
    with Board(tmp_path, first=1) as figures:
        figures.add_scalar("a", 1, 1)
        Full.full = True
        figures.add_scalar("a", 2, 2)
        figures.add_scalar("a", 3, 3)
        Full.full = False
        figures.add_scalar("a", 4, 4)
    assert told(tmp_path) == [(1, 1), (4, 4)]
    assert caplog.text.count("cannot be written ([Errno 28] No space left on device); training goes on") == 1
    Full.full = True
    Trainer(recipe(), TRAINING, VALIDATION, tmp_path / "run").run()
    assert (tmp_path / "run" / CHECKPOINT).exists()
    assert caplog.text.count("training goes on") == 2
