"""``tune`` where a trial fails while it runs: by its values it is refused, by anything else the search stops."""

import signal
import sqlite3

import pytest

from tests.training.test_tune import opened, rows, searched
from tests.training.tiny_run import TRAINING, VALIDATION
from training.__main__ import main
from training.run.checkpoint import CheckpointError
from training.run.run_classes import RunClasses
from training.run.trainer import Trainer
from training.tuning.outcome import write_outcome
from training.tuning.search import Search
from training.tuning.study import FAULT, STUDY, StudyError, file_faults_told


@pytest.mark.parametrize("fault", [ValueError("no such thing"), ZeroDivisionError("division by zero")])
def test_a_trial_that_fails_while_it_runs_is_refused(tmp_path, monkeypatch, fault):
    class Failing(Trainer):
        def _step(self, step, batch):
            if step == 1 and self.out.name == "0001":
                raise fault
            return super()._step(step, batch)

    monkeypatch.setattr("training.tuning.search.Trainer", Failing)
    study = searched(opened(tmp_path), tmp_path, 3)
    assert [row["state"] for row in rows(tmp_path)] == ["ended", "refused", "ended"]
    assert study.done[1].user_attrs[FAULT] == str(fault)


def test_a_trial_on_other_data_is_no_fault_of_its_values(tmp_path, monkeypatch):
    class Stopped(Trainer):
        def _step(self, step, batch):
            if step == 2:
                signal.raise_signal(signal.SIGINT)
            return super()._step(step, batch)

    with monkeypatch.context() as patched:
        patched.setattr("training.tuning.search.Trainer", Stopped)
        with pytest.raises(KeyboardInterrupt):
            searched(opened(tmp_path), tmp_path, 1)
    search = Search(lambda _: RunClasses(VALIDATION, VALIDATION, TRAINING), tmp_path)
    with pytest.raises(CheckpointError, match="other classes or images"):
        search.run(opened(tmp_path, resume=True), 1, lambda _: None)
    assert searched(opened(tmp_path, resume=True), tmp_path, 1).best[0] == 0


def test_a_damaged_study_is_one_line_that_names_it(tmp_path, capsys):
    (tmp_path / "study.sqlite").write_text("no database, and long enough to be read as the head of one" * 10)
    small = ["data.classes=20", "preprocessing.side=16", "learner.backbone.side=16", "learner.backbone.width=8"]
    given = ["tune", "training/recipes/strokes.yaml", "--set", *small, "--out", str(tmp_path), "--resume"]
    assert main(given) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        f"error: {tmp_path / 'study.sqlite'} cannot be read or written (file is not a database)"
    )


def test_a_study_that_cannot_be_written_stops_the_search(tmp_path):
    study = opened(tmp_path)
    searched(study, tmp_path, 1)
    with sqlite3.connect(tmp_path / STUDY) as held:
        held.execute("create trigger full before update on trials begin select raise(abort, 'disk is full'); end")
    told = r"study\.sqlite cannot be read or written \(.*disk is full"
    with pytest.raises(StudyError, match=told), file_faults_told(tmp_path):
        searched(study, tmp_path, 2)


def test_a_study_lies_in_its_folder_whatever_that_is_called(tmp_path):
    for name in ("50%2Foff", "a?b", "a{b}"):
        opened(tmp_path / name)
        assert (tmp_path / name / STUDY).exists()
        opened(tmp_path / name, resume=True)


def test_a_fault_that_names_a_file_without_utf8_is_in_the_table(tmp_path):
    study = searched(opened(tmp_path), tmp_path, 1)
    _, trial = study.ask()
    study.refuse(trial, ValueError("caf\udce9/1.png cannot be read"))
    write_outcome(study, tmp_path)
    assert [row["fault"] for row in rows(tmp_path)] == ["", "caf\\udce9/1.png cannot be read"]
