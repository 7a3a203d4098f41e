"""Run by torchrun: one tiny meta-training run, whose phi the first process writes to the given folder."""

import sys
from pathlib import Path

import safetensors.torch
import torch

from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.processes import joined
from training.recipe import Outer
from training.trainer import Trainer


def train(out: Path, normalisation: str, warm_up: int) -> dict[str, torch.Tensor]:
    plan = recipe(outer=Outer(tasks=4, steps=6, warm_up=warm_up, learning_rate=0.003))
    plan.learner["backbone"]["normalisation"] = normalisation
    with joined("cpu") as processes:
        trainer = Trainer(plan, TRAINING, VALIDATION, out, processes=processes)
        trainer.run()
        return trainer.phi if processes.is_first else {}


if __name__ == "__main__":
    torch.set_num_threads(1)
    phi = train(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    if phi:
        values = {name: value.detach().contiguous() for name, value in phi.items()}
        safetensors.torch.save_file(values, Path(sys.argv[1]) / "phi.safetensors")
