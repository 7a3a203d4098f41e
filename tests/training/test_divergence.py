"""Training that diverges is told as that, whatever torch says of it: in runs, races, comparisons and searches."""

import pytest
import torch

from tests.training.test_tune import opened, rows, searched
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.outer_plan import Outer
from training.race.pace import Trial
from training.run.divergence import Diverged
from training.run.trainer import Trainer
from training.tuning.study import FAULT


def diverging(head, rule):
    plan = recipe(outer=Outer(tasks=1, steps=8, rule=rule, learning_rate=1e30))
    plan.learner["head"] = {"kind": head}
    return plan


@pytest.mark.parametrize(
    ("head", "rule"), [("ridge", "gradient"), ("svm", "gradient"), ("prototype", "policy-gradient")]
)
def test_a_run_that_diverges_says_so(tmp_path, head, rule):
    with pytest.raises(Diverged, match=r"diverged: at step \d .*lower outer\.learning_rate"):
        Trainer(diverging(head, rule), TRAINING, VALIDATION, tmp_path).run()


def test_a_trial_of_a_race_that_diverges_says_so(tmp_path):
    trial = Trial(diverging("ridge", "gradient"), TRAINING, VALIDATION, tmp_path)
    for name, value in trial.phi.items():
        value.data.fill_(-1e30 if name == "head.log_penalty" else 0.0)
    with pytest.raises(Diverged, match="at step 0 the equations of the head have no solution"):
        trial.pace(1.0)


@pytest.mark.parametrize(
    ("value", "fault", "told"), [(1.0, RuntimeError, "memory"), (torch.nan, Diverged, "step 1 ")]
)
def test_other_faults_of_torch_are_those_of_a_phi_that_is_no_longer_finite(tmp_path, value, fault, told):
    class Failing(Trainer):
        def _step(self, step, batch):
            if step == 1:
                self.phi["head.log_scale"].data.fill_(value)
                raise RuntimeError("out of memory")
            return super()._step(step, batch)

    with pytest.raises(fault, match=told):
        Failing(recipe(), TRAINING, VALIDATION, tmp_path).run()


def test_a_search_refuses_a_trial_that_diverges_and_goes_on(tmp_path, monkeypatch):
    class Diverging(Trainer):
        def _step(self, step, batch):
            if step == 2 and self.out.name == "0001":
                raise torch.linalg.LinAlgError("singular")
            return super()._step(step, batch)

    monkeypatch.setattr("training.tuning.search.Trainer", Diverging)
    study = searched(opened(tmp_path), tmp_path, 3)
    assert [row["state"] for row in rows(tmp_path)] == ["ended", "refused", "ended"]
    assert "training has diverged: at step 2 " in study.done[1].user_attrs[FAULT]
