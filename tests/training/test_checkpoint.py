"""A checkpoint survives a loss of power: its name never stands for a file that is not on the disk."""

import os
from pathlib import Path

import torch

from training.run.checkpoint import CHECKPOINT, Progress, save_checkpoint


def test_a_checkpoint_has_reached_the_disk_before_it_takes_the_place_of_the_last(tmp_path, monkeypatch):
    fsync, replace = os.fsync, Path.replace
    flushed, replacements = set(), []

    def noted(descriptor):
        flushed.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def replaced(part, target):
        replacements.append((target, part.stat().st_ino in flushed))
        return replace(part, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(Path, "replace", replaced)
    phi, best = ({"weight": torch.ones(2, requires_grad=True)} for _ in range(2))
    path = tmp_path / CHECKPOINT
    adam = torch.optim.Adam(phi.values())
    save_checkpoint(path, phi=phi, best=best, optimiser=adam, progress=Progress(), recipe={}, data="")
    assert replacements == [(path, True)]
