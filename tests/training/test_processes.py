"""Two processes that torchrun starts come to the same phi as one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch

from training.outer.processes import choose_device
from training.run.trainer import CHECKPOINT

ROOT = Path(__file__).parents[2]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


def trained(out, launcher, *arguments):
    script = [str(ROOT / "tests/training/tiny_processes.py"), str(out), *arguments]
    done = subprocess.run(
        [sys.executable, *launcher, *script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert (out / CHECKPOINT).exists()
    return safetensors.torch.load_file(out / "phi.safetensors")


@pytest.mark.long
@pytest.mark.parametrize(
    ("normalisation", "warm_up", "rule"),
    [("group", 0, "gradient"), ("running", 3, "gradient"), ("group", 0, "evolution")],
)
def test_two_processes_come_to_the_phi_of_one(tmp_path, normalisation, warm_up, rule):
    together = trained(tmp_path / "together", TORCHRUN, normalisation, str(warm_up), rule)
    alone = trained(tmp_path / "alone", [], normalisation, str(warm_up), rule)
    assert alone.keys() == together.keys()
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, rtol=1e-4, atol=1e-5)


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(ValueError, match="no GPU"):
        choose_device("cuda")
