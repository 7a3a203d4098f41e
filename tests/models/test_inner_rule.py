"""Rates of inner steps: which one is used where more steps are asked for than meta-training unrolled."""

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.inner_rule import InnerRule
from models.learner import RATES, Learner
from models.support import Support

LAST = 2  # of the steps that were unrolled, counted from 1


@pytest.mark.parametrize("moves", ["head", "all"])
def test_steps_beyond_the_unrolled_ones_use_the_last_rate(moves):
    def learner(steps):
        return Learner(Conv4(1, 16, 8, groups=4), Head("prototype"), InnerRule(moves, steps, "layer-step", 0.1))

    few, many = learner(LAST), learner(5)
    phi = few.initial(seed=0)
    rates = {name: value * torch.tensor([1.0, 3.0]) for name, value in phi.items() if name.startswith(RATES)}
    told = {name: torch.cat([value, value[-1:].expand(5 - LAST)]) for name, value in rates.items()}
    images = torch.rand(6, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    support = Support.of_task(images, torch.arange(6) % 3)
    found = few.adapt(phi | rates, support, steps=5).tensors()
    for name, value in many.adapt(phi | told, support).tensors().items():
        torch.testing.assert_close(found[name], value)
