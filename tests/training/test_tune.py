"""The search for hyper-parameters: goes on where it stood, prunes, and leaves a recipe that trains."""

import csv
import dataclasses
import shlex
import signal
import time
from pathlib import Path

import pytest
import torch
import yaml
from optuna.trial import TrialState

from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.__main__ import main
from training.outer_plan import Outer
from training.recipe import RecipeError, Validation
from training.recipe_reading import read_recipe
from training.run.run_classes import RunClasses
from training.run.trainer import CHECKPOINT, Trainer
from training.tuning.defaults import default_space
from training.tuning.outcome import BEST, TABLE, write_outcome
from training.tuning.search import Search, TimeIsUp
from training.tuning.space import Space
from training.tuning.study import FAULT, Study

RECIPES = Path(__file__).parents[2] / "training" / "recipes"
SPACE = {
    "outer.learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
    "learner.rule.steps": {"choices": [1, 2]},
}

LAST = 4
SHORT = recipe(outer=Outer(tasks=2, steps=LAST, warm_up=1, learning_rate=0.01))


def opened(out, plan=None, space=SPACE, *, resume=False, seed=0, unpruned=5):
    values = (plan or SHORT).as_dict()
    return Study.open(out, values, Space.read(space), resume=resume, seed=seed, unpruned=unpruned)


def searched(study, out, trials, **changes):
    def on_end(number):
        write_outcome(study, out)

    Search(lambda _: RunClasses(TRAINING, TRAINING, VALIDATION), out, **changes).run(study, trials, on_end)
    return study


def rows(out):
    return list(csv.DictReader((out / TABLE).open()))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a search that was not stopped, on one thread, and its study."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("whole")
    study = searched(opened(out), out, 3)
    torch.set_num_threads(threads)
    return out, study


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("at", [3, LAST])
def test_a_search_that_was_stopped_ends_like_one_that_was_not(whole, tmp_path, monkeypatch, stop, at, one_thread):
    class Stopped(Trainer):
        """Is stopped in a step of the second trial: by Ctrl-C, or all of a sudden."""

        def _step(self, step, batch):
            if step + 1 == at and self.out.name == "0001":
                if stop is RuntimeError:
                    raise RuntimeError
                signal.raise_signal(signal.SIGINT)
            return super()._step(step, batch)

    folder, unbroken = whole
    out = tmp_path / "broken"
    with monkeypatch.context() as patched:
        patched.setattr("training.tuning.search.Trainer", Stopped)
        with pytest.raises(stop):
            searched(opened(out), out, 3)
    assert len(rows(out)) == 1
    resumed = searched(opened(out, resume=True), out, 3)
    assert rows(out) == rows(folder)
    assert len({trial.params["outer.learning_rate"] for trial in resumed.done}) == 3
    for before, after in zip(unbroken.done, resumed.done, strict=True):
        assert after.params == before.params
        assert after.value == before.value
        assert after.intermediate_values == before.intermediate_values
    assert [trial.state for trial in resumed.done] == [TrialState.COMPLETE] * 3
    assert (out / BEST).read_text() == (folder / BEST).read_text()


def test_the_first_trial_is_the_recipe_and_the_best_one_keeps_its_run(tmp_path):
    study = searched(opened(tmp_path), tmp_path, 3)
    assert study.chosen(study.done[0]) == {"outer.learning_rate": 0.01, "learner.rule.steps": 1}
    number, best = study.best
    assert best.value == max(trial.value for trial in study.done)
    kept = sorted(path.parent.name for path in tmp_path.glob(f"trials/*/{CHECKPOINT}"))
    assert kept == [f"{number:04d}"]
    plan = read_recipe(tmp_path / BEST)
    assert plan.outer.learning_rate == best.params["outer.learning_rate"]
    trainer = Trainer(plan, TRAINING, VALIDATION, tmp_path / "trials" / kept[0])
    trainer.resume()
    assert trainer.progress.best_accuracy == best.value


def test_a_run_that_falls_behind_is_pruned(tmp_path):
    plan = recipe(
        outer=Outer(tasks=4, steps=24, learning_rate=0.01), validation=Validation(every=8, episodes=40, queries=2)
    )
    space = {"outer.learning_rate": {"low": 1e-12, "high": 0.01, "log": True}}
    study = searched(opened(tmp_path, plan, space, unpruned=1), tmp_path, 3)
    pruned = [trial for trial in study.done if trial.state == TrialState.PRUNED]
    assert pruned
    first = study.done[0].intermediate_values
    for trial in pruned:
        assert trial.last_step < 24
        assert trial.intermediate_values[trial.last_step] < first[trial.last_step]
    assert [row["state"] for row in rows(tmp_path)].count("pruned") == len(pruned)
    assert study.best[0] == 0


def test_values_that_do_not_go_together_end_their_trial_alone(tmp_path):
    space = {
        "outer.warm_up_loss": {"choices": ["episodes", "pairs"]},
        "learner.backbone.normalisation": {"choices": ["group", "support"]},
    }
    plan = recipe(outer=Outer(tasks=2, steps=2, warm_up=1))
    study = searched(opened(tmp_path, plan, space), tmp_path, 8)
    refused = [trial for trial in study.done if trial.state == TrialState.FAIL]
    assert 0 < len(refused) < 8
    for trial in refused:
        assert study.chosen(trial) == {
            "outer.warm_up_loss": "pairs",
            "learner.backbone.normalisation": "support",
        }
        assert "without a support set" in trial.user_attrs[FAULT]


def test_what_the_classes_do_not_suffice_for_ends_its_trial_alone(tmp_path):
    study = searched(opened(tmp_path, space={"episodes.ways": {"choices": [5, 50]}}), tmp_path, 4)
    assert {study.chosen(trial)["episodes.ways"]: trial.state for trial in study.done} == {
        5: TrialState.COMPLETE,
        50: TrialState.FAIL,
    }
    assert {row["fault"] for row in rows(tmp_path)} == {
        "",
        "episodes of 50 ways need as many classes, there are 20",
    }


def test_without_data_no_search_begins(tmp_path, capsys):
    arguments = ["tune", str(RECIPES / "strokes.yaml"), "--set", "data.name=omniglot"]
    assert main([*arguments, "--data-dir", str(tmp_path), "--out", str(tmp_path / "search")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "search").exists()


def test_where_trials_could_not_be_measured_no_search_begins(tmp_path, capsys):
    arguments = ["tune", str(RECIPES / "strokes.yaml"), "--set", "validation.ways=201", "data.classes=30"]
    assert main([*arguments, "--out", str(tmp_path / "search")]) == 2
    assert "validation, on the 200 validation classes" in capsys.readouterr().err
    assert not (tmp_path / "search").exists()


def test_no_trial_begins_when_the_time_is_up(tmp_path):
    study = opened(tmp_path)
    with pytest.raises(TimeIsUp):
        searched(study, tmp_path, 3, until=time.monotonic())
    assert not study.done


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"outer.learning_ratee": {"low": 1.0, "high": 2.0}}, "tune.outer.learning_ratee: unknown key"),
        ({"learner.rule.stepps": {"low": 1, "high": 2}}, "tune.learner.rule.stepps: unknown key"),
        ({"learner.rule.steps": {"low": 0, "high": 2}}, "tune.learner.rule.steps: .*0 steps"),
        ({"outer.tasks": {"low": 1.5, "high": 2.0}}, "tune.outer.tasks: outer.tasks must be of type int"),
        ({"outer.learning_rate": 0.1}, r"tune.outer.learning_rate must be \{low"),
        ({"outer.learning_rate": {"low": 1, "max": 2}}, r"tune.outer.learning_rate must be \{low"),
        ({"outer.learning_rate": {"low": 1, "high": 2, "lag": True}}, "tune.outer.learning_rate .* has lag"),
        ({"outer.learning_rate": {"low": 1, "high": 2, 3: 4, "lag": 5}}, "tune.outer.learning_rate .* has 3"),
        ({"outer.learning_rate": {"low": 2.0, "high": 1.0}}, "tune.outer.learning_rate: .*low"),
        ({"outer.learning_rate": {"low": 0.0, "high": 1.0, "log": True}}, "tune.outer.learning_rate: .*low"),
        ({"outer.learning_rate": {"low": "least", "high": 1}}, "tune.outer.learning_rate.low must be a number"),
        ({"outer.rule": {"choices": "reptile"}}, "tune.outer.rule.choices must be a list"),
        ({"name.first": {"choices": ["x"]}}, "tune.name.first cannot be searched"),
        ({"validation.ways": {"choices": [2, 5]}}, "tune.validation.ways cannot be searched: all trials"),
        ({"seed": {"low": 0, "high": 9}}, "tune.seed cannot be searched"),
        ({"data": {"choices": [{"seed": 0}, {"seed": 1}]}}, "tune.data cannot be searched"),
        ([], "tune must map keys"),
    ],
)
def test_a_bad_space_names_the_key(space, message):
    with pytest.raises(RecipeError, match=message):
        Space.read(space).check(recipe().as_dict())


def test_ranges_and_choices_reach_the_recipe():
    space = Space.read({**SPACE, "episodes.shots": {"choices": [1, [1, 3]]}})
    space.check(recipe().as_dict())
    chosen = {"outer.learning_rate": 0.02, "learner.rule.steps": "2", "episodes.shots": "[1, 3]"}
    plan = space.recipe(recipe().as_dict(), chosen)
    assert plan.outer.learning_rate == 0.02
    assert plan.learner["rule"]["steps"] == 2
    assert plan.episodes.shots == (1, 3)
    assert space.own(plan) == chosen
    assert space.distributions["outer.learning_rate"].low == 1e-4


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_has_a_space_to_begin_with(path):
    plan = read_recipe(path)
    space = Space.read(default_space(plan))
    space.check(plan.as_dict())
    assert "outer.learning_rate" in space.own(plan)
    assert ("learner.rule.steps" in space.distributions) == plan.build_learner().rule.moves_head


def test_another_recipe_space_or_folder_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="no search to resume"):
        opened(tmp_path, resume=True)
    opened(tmp_path)
    with pytest.raises(RecipeError, match="holds a search already"):
        opened(tmp_path)
    with pytest.raises(RecipeError, match="another recipe;"):
        opened(tmp_path, dataclasses.replace(SHORT, seed=4), resume=True)
    with pytest.raises(RecipeError, match="another space and seed"):
        opened(tmp_path, space={"outer.clip": {"low": 1.0, "high": 2.0}}, seed=1, resume=True)
    opened(tmp_path, resume=True)


@pytest.mark.long
def test_the_command_ends_with_a_recipe_that_trains(tmp_path, capsys):
    values = yaml.safe_load((RECIPES / "strokes.yaml").read_text()) | {"tune": SPACE}
    (tmp_path / "strokes.yaml").write_text(yaml.safe_dump(values))
    out = tmp_path / "search"
    arguments = ["tune", str(tmp_path / "strokes.yaml"), "--out", str(out)]
    small = ["outer.steps=2", "outer.warm_up=1", "outer.tasks=2", "validation.every=1", "validation.episodes=5"]
    small += ["report_episodes=5", "calibration_tasks=2", "data.classes=20"]
    for setting in small:
        arguments += ["--set", setting]
    assert main([*arguments, "--trials", "2"]) == 0
    printed = capsys.readouterr().out
    assert "trial 0 ended at step 2" in printed
    assert "5 validation tasks that chose it" in printed
    assert "other tasks (seed 20000)" in printed
    assert (out / "trials.svg").read_text().startswith("<?xml")
    assert [row["state"] for row in rows(out)] == ["ended", "ended"]
    assert (
        main(
            [*arguments, "--trials", "3", "--resume", "--timeout", "0", "--data-dir", "some where", "--download"]
        )
        == 0
    )
    stopped = capsys.readouterr()
    assert "stopped with 2 of 3 trials done" in stopped.err
    run = stopped.out.rpartition("python -m training ")[2]
    run = shlex.split(run)
    assert run[:2] == ["train", str(out / BEST)]
    assert run[-3:] == ["--data-dir", "some where", "--download"]
    assert main(run) == 0
    assert (Path(run[3]) / "initialization" / "weights.safetensors").is_file()
    assert main([*arguments, "--set", "validation.seed=20000"]) == 2
    assert "take another seed" in capsys.readouterr().err
    assert main([*arguments, "--seed", "9999999999"]) == 2
    assert "--seed must be 0 to 2147483647" in capsys.readouterr().err
