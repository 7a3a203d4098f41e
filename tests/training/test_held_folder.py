"""A folder is one process's at a time: what trains in it keeps others out until it ends, however it ends."""

import subprocess
import sys
from pathlib import Path

import pytest
from optuna.trial import TrialState

from tests.training import test_race, test_tune, tiny_comparison
from training.__main__ import main
from training.held_folder import LOCK, HeldError, held
from training.run.trainer import Trainer

ROOT = Path(__file__).parents[2]
HOLDING = "import sys, time\nfrom pathlib import Path\nfrom training.held_folder import held\n" + (
    "with held(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(600)\n"
)
SMALL = ["training/recipes/strokes.yaml", "--set", "data.classes=20"]


def test_a_killed_process_lets_go(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as other:
        try:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(HeldError, match=f"another process trains in {tmp_path}; wait"), held(tmp_path):
                pass
        finally:
            other.kill()
    with held(tmp_path):
        pass
    with held(tmp_path):
        pass


def test_a_folder_that_is_missing_is_made_only_where_it_is_wanted(tmp_path):
    with held(tmp_path / "resumed", made=False):
        pass
    assert not (tmp_path / "resumed").exists()
    with held(tmp_path / "begun"):
        pass
    assert [path.name for path in (tmp_path / "begun").iterdir()] == [LOCK]


@pytest.mark.parametrize(
    "command",
    [
        ["train", *SMALL],
        ["search", *SMALL],
        ["tune", *SMALL],
        ["compare", *tiny_comparison.TINY],
        ["race", *test_race.TINY],
    ],
    ids=lambda command: command[0],
)
def test_commands_refuse_the_folder_of_another_process(tmp_path, command, capsys):
    with held(tmp_path):
        assert main([*command, "--out", str(tmp_path)]) == 2
    assert f"error: another process trains in {tmp_path}; wait for its end" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [LOCK], "nothing is written"


def test_a_run_that_ended_while_another_read_its_data_is_not_overwritten(tmp_path, monkeypatch, capsys):
    def ends_meanwhile(folder):
        (folder / "checkpoint.safetensors").write_bytes(b"of the other")
        return held(folder)

    monkeypatch.setattr("training.commands.train.held", ends_meanwhile)
    assert main(["train", *SMALL, "--out", str(tmp_path)]) == 2
    assert "holds a run already" in capsys.readouterr().err
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == b"of the other"


def test_a_trial_and_another_process_do_not_train_in_one_folder(tmp_path, monkeypatch):
    refused = []

    class Meanwhile(Trainer):
        """Finds its folder held while it trains, as another process would."""

        def _step(self, step, batch):
            with pytest.raises(HeldError), held(self.out):
                pass
            refused.append(step)
            return super()._step(step, batch)

    monkeypatch.setattr("training.tuning.search.Trainer", Meanwhile)
    study = test_tune.opened(tmp_path)
    with held(tmp_path / "trials" / "0001"), pytest.raises(HeldError, match="0001"):
        test_tune.searched(study, tmp_path, 2)
    assert len(refused) == test_tune.LAST
    assert len(study.done) == 1, "the second waits, without a fault of its values"
    test_tune.searched(study, tmp_path, 2)
    assert [trial.state for trial in study.done] == [TrialState.COMPLETE] * 2
