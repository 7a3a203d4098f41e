"""Two processes that torchrun starts come to the same phi as one."""

import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch

from tests.training.tiny_processes import train
from training.processes import choose_device
from training.trainer import CHECKPOINT

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("normalisation", "warm_up"), [("group", 0), ("running", 3)])
def test_two_processes_come_to_the_phi_of_one(tmp_path, normalisation, warm_up):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    script = ["-m", "tests.training.tiny_processes", str(tmp_path), normalisation, str(warm_up)]
    done = subprocess.run([*torchrun, *script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    together = safetensors.torch.load_file(tmp_path / "phi.safetensors")
    alone = train(tmp_path / "alone", normalisation, warm_up)
    assert (tmp_path / CHECKPOINT).exists()
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value.detach(), rtol=1e-4, atol=1e-5)


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(ValueError, match="no GPU"):
        choose_device("cuda")
