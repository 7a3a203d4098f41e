"""What a machine lacks is told in a row; nothing is measured by imitating it."""

import pytest
import torch

from benchmarks import machine, meta_training
from benchmarks.outer_settings import ON_GPU, SETTINGS


@pytest.fixture(autouse=True)
def plain_machine(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (next(one for one in SETTINGS if one.precision == "bfloat16"), "no bfloat16 products here"),
        (ON_GPU[0], "no GPU here"),
    ],
)
def test_a_setting_that_cannot_be_measured_says_why(setting, told):
    (row,) = meta_training.measure(setting, rounds=1, turn=1)
    assert (row.name, row.baseline, row.ours) == (setting.name, told, None)


def test_peaks_are_of_what_the_machine_multiplies(monkeypatch):
    seen = []
    for name in ("convolution_peak", "matrix_peak"):
        monkeypatch.setattr(machine, name, lambda dtype, device: seen.append((dtype, device)) or 1.0)
    assert machine.peaks() == {"convolution, cpu float32": 1.0, "matrix product, cpu float32": 1.0}
    assert seen == [(torch.float32, "cpu")] * 2
