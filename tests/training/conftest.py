"""Shared by the tests of meta-training."""

import pytest
import torch

from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.run.publication import publish_run
from training.run.trainer import Trainer


@pytest.fixture
def one_thread():
    """Let torch compute on one thread, where sums come out the same each time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def initialization(tmp_path_factory):
    """A published run, for all tests, which leave it as it is."""
    folder = tmp_path_factory.mktemp("tiny")
    plan = recipe()
    trainer = Trainer(plan, TRAINING, VALIDATION, folder)
    # Untrained, the prototype start is right about its own support images; steps at random rates need not be.
    phi = {name: value * (not name.startswith("rates")) for name, value in trainer.best.items()}
    publish_run(plan, phi, trainer.progress, TRAINING, VALIDATION, folder / "initialization")
    return folder / "initialization"
