"""Any seed that is taken can be drawn by, wherever a run draws."""

import pytest
import torch

from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.outer_plan import Outer
from training.run.trainer import Trainer
from training.seeds import MOST_SEED, folded


@pytest.mark.parametrize("rule", ["gradient", "evolution", "policy-gradient"])
@pytest.mark.parametrize("seed", [18_500_000, 99_999_999_999_999, MOST_SEED])
def test_large_seeds_are_drawn_by(tmp_path, rule, seed):
    plan = recipe(seed=seed, outer=Outer(tasks=2, steps=1, rule=rule))
    trainer = Trainer(plan, TRAINING, VALIDATION, tmp_path)
    before = {name: value.detach().clone() for name, value in trainer.phi.items()}
    trainer.run()
    assert any(not torch.equal(value, before[name]) for name, value in trainer.phi.items())


def test_seeds_that_torch_takes_stay_as_they_are():
    for number in (0, 1, 2**32, 2**63, 2**64 - 1):
        assert folded(number) == number
        torch.Generator().manual_seed(folded(number))
    torch.Generator().manual_seed(folded(2**100 + 7))
