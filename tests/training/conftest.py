"""Shared by the tests of meta-training."""

import pytest
import torch


@pytest.fixture
def one_thread():
    """Let torch compute on one thread, where sums come out the same each time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
