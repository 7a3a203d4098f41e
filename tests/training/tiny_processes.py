"""A script, for one process or for torchrun: a tiny run whose phi the first process writes to a folder."""

import sys
from pathlib import Path

import safetensors.torch
import torch
from tiny_run import TRAINING, VALIDATION, recipe

from training.outer.processes import joined
from training.outer_plan import Outer
from training.run.trainer import Trainer

if __name__ == "__main__":
    out, normalisation, warm_up, rule = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    torch.set_num_threads(1)
    plan = recipe(outer=Outer(tasks=4, steps=6, warm_up=warm_up, rule=rule, learning_rate=0.003))
    plan.learner["backbone"]["normalisation"] = normalisation
    with joined("cpu") as processes:
        trainer = Trainer(plan, TRAINING, VALIDATION, out, processes=processes)
        trainer.run()
    if processes.is_first:
        phi = {name: value.detach().contiguous() for name, value in trainer.phi.items()}
        safetensors.torch.save_file(phi, out / "phi.safetensors")
