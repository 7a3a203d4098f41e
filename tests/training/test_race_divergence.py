"""``race`` and ``compare`` where an algorithm's training diverges."""

import json

import pytest
import torch

from tests.training.test_race import STEPS, race
from tests.training.tiny_comparison import TINY
from training.__main__ import main
from training.race.pace import Pace
from training.run.trainer import Trainer


class Diverging(Trainer):
    """Diverges, where the run's folder is called so."""

    def _step(self, step, batch):
        found = super()._step(step, batch)
        if self.out.name.startswith("maml"):
            self.phi["head.vector"].data.fill_(torch.nan)
        return found


@pytest.fixture(autouse=True)
def diverging(monkeypatch):
    monkeypatch.setattr("training.race.rows.pace_of", lambda *_: Pace(3, 0.1, STEPS))
    monkeypatch.setattr("training.race.rows.Trainer", Diverging)
    monkeypatch.setattr("training.comparison.trained.Trainer", Diverging)
    monkeypatch.setattr("training.comparison.traces._TIMED", 2)


def test_the_others_race_on_and_the_row_says_so(tmp_path, capsys):
    assert race(tmp_path, only=["maml", "protonet"]) == 2
    advice = (
        "error: the training of maml has diverged: lower training.learning_rate and race anew in another --out"
    )
    captured = capsys.readouterr()
    assert advice in captured.err
    assert "| protonet | " in captured.out
    rows = json.loads((tmp_path / "race.json").read_text())["rows"]
    assert [row["algorithm"] for row in rows] == ["maml", "protonet"]
    assert "at step 3 phi holds numbers that are not finite" in rows[0]["diverged"]
    assert rows[1]["unseen"]
    lines = [line for line in (tmp_path / "race.md").read_text().splitlines() if line.startswith("| ")]
    assert "| maml | diverged: at step 3 " in lines[2]
    assert len({line.count(" |") for line in lines}) == 1
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("rows/*")}
    assert race(tmp_path, "--resume", only=["maml", "protonet"]) == 2
    assert advice in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("rows/*")} == kept


def test_where_none_is_left_there_is_no_table(tmp_path, capsys):
    assert race(tmp_path, only=["maml"]) == 2
    assert "has diverged" in capsys.readouterr().err
    assert not (tmp_path / "race.md").exists()


def test_a_comparison_tells_the_keys_of_its_plan_and_goes_on_without_it(tmp_path, capsys):
    given = ["compare", *TINY, "--set", "classes=[]", "--out", str(tmp_path)]
    assert main([*given, "--algorithms", "maml", "protonet"]) == 2
    told = capsys.readouterr().err
    assert "training of maml has diverged: at step " in told
    assert "lower training.learning_rate and start in another --out, or go on without maml" in told
    assert main([*given, "--algorithms", "protonet", "--resume"]) == 0
