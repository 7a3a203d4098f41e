"""The trainer: learns, resumes to the same phi as an unbroken run, keeps the best, stops early."""

import dataclasses
import json
import re
import sys

import pytest
import safetensors.torch
import torch

from models.initialization import load
from models.task_size import TaskSize
from tests.training.interrupted import Interrupted
from tests.training.tiny_run import TRAINING, VALIDATION, noisy_classes, recipe
from training.outer_plan import Outer
from training.recipe import Episodes, Jitter, RecipeError, Validation
from training.run.checkpoint import CheckpointError
from training.run.publication import publish_run
from training.run.trainer import CHECKPOINT, Trainer


@pytest.mark.parametrize("at", [1, 5])
@pytest.mark.parametrize(
    ("normalisation", "mixing", "turning"),
    [("group", 0.0, 0.0), ("running", 0.0, 0.0), ("group", 0.5, 0.0), ("group", 0.0, 0.5)],
)
def test_a_resumed_run_ends_like_an_unbroken_one(tmp_path, at, normalisation, mixing, turning, one_thread):
    plan = recipe(episodes=Episodes(ways=5, shots=1, queries=2, mixing=mixing, turning=turning))
    plan.learner["backbone"]["normalisation"] = normalisation
    whole = Trainer(plan, TRAINING, VALIDATION, tmp_path / "whole")
    whole.run()
    with pytest.raises(KeyboardInterrupt):
        Interrupted(plan, TRAINING, VALIDATION, tmp_path / "broken", at=at).run()
    resumed = Trainer(plan, TRAINING, VALIDATION, tmp_path / "broken")
    resumed.resume()
    assert resumed.progress.step == at
    resumed.run()
    assert resumed.progress.looks == whole.progress.looks
    fresh = Trainer(plan, TRAINING, VALIDATION, tmp_path / "fresh").phi
    for name, value in whole.phi.items():
        assert torch.equal(resumed.phi[name], value), name
        assert torch.equal(resumed.best[name], whole.best[name]), name
        assert not torch.equal(value, fresh[name]), f"{name} never moved"


def test_a_log_gets_a_line_at_each_look_and_a_terminal_a_bar(tmp_path, capsys, monkeypatch):
    trainer = Trainer(recipe(), TRAINING, VALIDATION, tmp_path / "log")
    trainer.run()
    lines = capsys.readouterr().err.splitlines()
    form = re.compile(r"tiny: step (\d) of 8, loss \d\.\d{3}, accuracy (.*), best (.*), trained \d\d:\d\d")
    told = [form.fullmatch(line) for line in lines]
    looks = trainer.progress.looks
    assert [int(line[1]) for line in told] == [step for step, _ in looks] == [2, 4, 6, 8]
    assert [line[2] for line in told] == [
        f"{accuracy:.2%}{' (warm-up)' * (step == 2)}" for step, accuracy in looks
    ]
    adapted = [accuracy for step, accuracy in looks if step > 2]
    assert [line[3] for line in told] == [
        told[0][2],
        *(f"{max(adapted[:count]):.2%}" for count in (1, 2, 3)),
    ], "what the warm-up reached is marked, not taken back"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    Trainer(recipe(), TRAINING, VALIDATION, tmp_path / "terminal").run()
    shown = capsys.readouterr().err
    assert "step 2 of 8" not in shown
    assert "8/8" in shown


def test_an_interruption_at_the_last_step_is_heeded_once_that_is_saved(tmp_path):
    steps = recipe().outer.steps
    with pytest.raises(KeyboardInterrupt):
        Interrupted(recipe(), TRAINING, VALIDATION, tmp_path, at=steps).run()
    trainer = Trainer(recipe(), TRAINING, VALIDATION, tmp_path)
    trainer.resume()
    assert trainer.progress.step == trainer.progress.looks[-1][0] == steps


def test_mixing_changes_what_is_learned(tmp_path, one_thread):
    phis = []
    for mixing in (0.0, 0.5):
        plan = recipe(episodes=Episodes(ways=5, shots=1, queries=2, mixing=mixing))
        trainer = Trainer(plan, TRAINING, VALIDATION, tmp_path / str(mixing))
        trainer.run()
        phis.append(trainer.phi)
    assert not torch.equal(phis[0]["body.block1.convolution"], phis[1]["body.block1.convolution"])


def test_another_recipe_or_a_damaged_checkpoint_is_refused(tmp_path):
    Trainer(recipe(), TRAINING, VALIDATION, tmp_path).run()
    other = Trainer(recipe(seed=4), TRAINING, VALIDATION, tmp_path)
    with pytest.raises(CheckpointError, match="differs in seed"):
        other.resume()
    same_phi = dataclasses.replace(recipe(), description="Otherwise told.", report_episodes=7, reports=())
    Trainer(same_phi, TRAINING, VALIDATION, tmp_path).resume()
    (tmp_path / CHECKPOINT).write_bytes((tmp_path / CHECKPOINT).read_bytes()[:200])
    with pytest.raises(
        CheckpointError, match=r"damaged .*; delete it and start its run again, or choose another --out"
    ):
        Trainer(recipe(), TRAINING, VALIDATION, tmp_path).resume()


def with_metadata(path, change):
    """Write a checkpoint again with other metadata."""
    with safetensors.safe_open(path, framework="pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    safetensors.torch.save_file(tensors, path, change(metadata))


@pytest.mark.parametrize("warm_up_loss", ["episodes", "classes"])
def test_other_classes_or_images_are_refused(tmp_path, warm_up_loss):
    plan = recipe(outer=Outer(tasks=2, steps=2, warm_up=1, warm_up_loss=warm_up_loss), class_jitter=Jitter())
    plan.learner["backbone"]["unit"] = True
    Trainer(plan, TRAINING, VALIDATION, tmp_path).run()
    renamed = dataclasses.replace(VALIDATION, classes=tuple(f"{name}'" for name in VALIDATION.classes))
    for training, validation in (
        (noisy_classes(20, seed=2), VALIDATION),
        (noisy_classes(21, seed=0), VALIDATION),
        (TRAINING, renamed),
    ):
        with pytest.raises(CheckpointError, match="other classes or images"):
            Trainer(plan, training, validation, tmp_path).resume()
    with_metadata(tmp_path / CHECKPOINT, lambda told: {key: told[key] for key in told if key != "data"})
    earlier = Trainer(plan, TRAINING, VALIDATION, tmp_path)
    earlier.resume()
    assert earlier.progress.step == 2
    if warm_up_loss == "classes":
        with pytest.raises(CheckpointError, match="other classes or images"):
            Trainer(plan, noisy_classes(21, seed=0), VALIDATION, tmp_path).resume()


def test_a_full_disk_is_told_and_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    trainer = Trainer(recipe(), TRAINING, VALIDATION, tmp_path)
    trainer.save()
    before = (tmp_path / CHECKPOINT).read_bytes()

    def fails(_tensors, path, _metadata):
        path.write_bytes(b"half")
        raise safetensors.SafetensorError("No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", fails)
    trainer.progress.step = 1
    with pytest.raises(CheckpointError, match=r"safetensors cannot be written.*No space left.*with --resume"):
        trainer.save()
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_a_full_disk_at_the_first_checkpoint_leaves_nothing_to_resume(tmp_path, monkeypatch):
    def fails(*_):
        raise safetensors.SafetensorError("No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", fails)
    with pytest.raises(CheckpointError, match=r"No space left.*\); see to the disk, then start again, as"):
        Trainer(recipe(), TRAINING, VALIDATION, tmp_path).save()
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_of_a_checkpoint_goes_with_the_next_one(tmp_path):
    left = tmp_path / f".{CHECKPOINT}.1"
    left.write_bytes(b"half")
    trainer = Trainer(recipe(), TRAINING, VALIDATION, tmp_path)
    trainer.save()
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT}
    Trainer(recipe(), TRAINING, VALIDATION, tmp_path).resume()


def test_a_run_of_an_earlier_version_goes_on(tmp_path):
    def rewritten(change):
        def changed(metadata):
            values = json.loads(metadata["recipe"])
            change(values)
            return metadata | {"recipe": json.dumps(values)}

        with_metadata(tmp_path / CHECKPOINT, changed)

    Trainer(recipe(), TRAINING, VALIDATION, tmp_path).run()
    rewritten(lambda values: values["outer"].pop("weight_decay"))
    run = Trainer(recipe(), TRAINING, VALIDATION, tmp_path)
    run.resume()
    assert run.progress.step == recipe().outer.steps
    rewritten(lambda values: values["outer"].update(of_old=1))
    with pytest.raises(CheckpointError, match=r"unknown key outer\.of_old.*with that version"):
        run.resume()


def test_training_learns_and_the_card_tells_it(tmp_path):
    plan = recipe(outer=Outer(tasks=4, steps=60, warm_up=20, learning_rate=0.01))
    plan = dataclasses.replace(plan, validation=Validation(every=20, episodes=40, queries=2))
    trainer = Trainer(plan, TRAINING, VALIDATION, tmp_path)
    trainer.run()
    looks = trainer.progress.looks
    assert [step for step, _ in looks] == [20, 40, 60]
    assert trainer.progress.best_accuracy == max(accuracy for step, accuracy in looks if step > 20)
    assert trainer.progress.best_accuracy > 0.6  # chance is 0.2
    publish_run(plan, trainer.best, trainer.progress, TRAINING, VALIDATION, tmp_path / "initialization")
    initialization = load(tmp_path / "initialization")
    rows = initialization.card["evaluation"]
    assert [(row["ways"], row["shots"], row["episodes"]) for row in rows] == [(5, 1, 20), (3, 2, 20)]
    assert all(0 <= row["accuracy_not_adapted"] <= 1 and row["accuracy"] > 0.4 for row in rows)
    assert initialization.card["trained_on"]["validation_classes"] == 10
    assert initialization.card["calibration"] == {"split": "validation", "tasks_of_each_size": 5, "seed": 40_000}
    for row in rows:
        assert row["estimate"]["coverage"] > 0.6
        assert row["estimate"]["error"] < 0.2
        assert row["unknown"]["auroc"] > 0.5
        assert row["unknown"]["flagged"] > 1 - row["unknown"]["kept"]
    sizes = [TaskSize.of(5, 1), TaskSize.of(3, 2)]
    assert len({initialization.confidence.temperature(size) for size in sizes}) == 2


def test_training_stops_early_when_validation_gets_no_better(tmp_path):
    plan = recipe(
        outer=Outer(tasks=1, steps=50, learning_rate=1e-12, rates_learning_rate=1e-12),
        validation=Validation(every=1, episodes=5, queries=1, patience=3),
    )
    trainer = Trainer(plan, TRAINING, VALIDATION, tmp_path)
    trainer.run()
    assert trainer.progress.best_step == 1
    assert trainer.progress.step == 4


def test_what_the_warm_up_reached_does_not_compete_with_adapting(tmp_path):
    plan = recipe(outer=Outer(tasks=1, steps=4, warm_up=2), validation=Validation(every=2, episodes=5, queries=1))
    trainer = Trainer(plan, TRAINING, VALIDATION, tmp_path)
    trainer.run()
    assert trainer.progress.best_step == 4


def test_looks_of_the_warm_up_do_not_end_a_run(tmp_path):
    plan = recipe(
        outer=Outer(tasks=1, steps=16, warm_up=6, learning_rate=1e-12, rates_learning_rate=1e-12),
        validation=Validation(every=2, episodes=5, queries=1, patience=2),
    )
    trainer = Trainer(plan, TRAINING, VALIDATION, tmp_path)
    trainer.run()
    assert trainer.progress.best_step == 8  # the first that was looked at after adapting
    assert trainer.progress.step == 12


def test_training_that_diverges_is_told_at_the_first_look(tmp_path):
    plan = recipe(outer=Outer(tasks=1, steps=8, warm_up=2, learning_rate=1e30))
    trainer = Trainer(plan, TRAINING, VALIDATION, tmp_path)
    with pytest.raises(RecipeError, match=r"has diverged: at step 2 .*lower outer\.learning_rate"):
        trainer.run()


def test_training_that_diverges_later_is_told_at_the_next_look(tmp_path):
    trainer = Trainer(recipe(), TRAINING, VALIDATION, tmp_path)
    step = trainer._step

    def diverging(number, batch):
        found = step(number, batch)
        if number == 4:
            trainer.phi["head.log_scale"].data.fill_(torch.nan)
        return found

    trainer._step = diverging
    with pytest.raises(RecipeError, match=r"has diverged: at step 6 "):
        trainer.run()
    resumed = Trainer(recipe(), TRAINING, VALIDATION, tmp_path)
    resumed.resume()
    assert [step for step, _ in resumed.progress.looks] == [2, 4]
