"""One outer step as the recipe plans it: the rates, the clipping, and what jitter its tasks get."""

import dataclasses
import math

import pytest
import torch

from models.learner import RATES
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.outer_plan import Outer
from training.recipe import Jitter
from training.run.trainer import Trainer
from training.tasks.training_tasks import TrainingTasks


def test_rates_fall_from_their_own_highest_to_0_along_half_a_cosine(tmp_path):
    plan = recipe(outer=Outer(tasks=1, steps=8, learning_rate=0.01, rates_learning_rate=0.003))
    trainer = Trainer(plan, TRAINING, VALIDATION, tmp_path)
    batch = trainer._batch(0)
    for step, share in ((0, 1.0), (2, (1 + math.sqrt(0.5)) / 2), (4, 0.5), (8, 0.0)):
        trainer._step(step, batch)
        rates = {id(one): group["lr"] for group in trainer.optimiser.param_groups for one in group["params"]}
        for name, value in trainer.phi.items():
            highest = 0.003 if name.startswith(RATES) else 0.01
            assert rates[id(value)] == pytest.approx(share * highest, abs=1e-12), (name, step)


def test_a_longer_gradient_is_scaled_down_to_the_clip(tmp_path):
    lengths = []
    for clip in (1e9, 1e-3):
        trainer = Trainer(recipe(outer=Outer(tasks=1, clip=clip)), TRAINING, VALIDATION, tmp_path)
        trainer._step(0, trainer._batch(0))
        lengths.append(float(torch.cat([value.grad.flatten() for value in trainer.phi.values()]).norm()))
    assert lengths[0] > 0.01
    assert lengths[1] == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize("alike", ["image", "class", "task"])
def test_each_jitter_changes_alike_what_it_is_named_after(alike):
    one_image = dataclasses.replace(TRAINING, images=TRAINING.images[:1].expand_as(TRAINING.images).contiguous())
    kinds = {"jitter": Jitter(), "class_jitter": Jitter(), "task_jitter": Jitter()}
    kinds["jitter" if alike == "image" else f"{alike}_jitter"] = Jitter(rotation=20, shift=0.1)
    plan = recipe(**kinds)
    batch = TrainingTasks(plan, one_image, plan.build_preprocessing()).of_step(0)
    images = torch.cat([batch.support.images, batch.query_images], 1).flatten(0, 1)
    classes = batch.image_classes
    tasks = torch.arange(batch.tasks)[:, None].expand_as(classes)
    group = {"image": torch.arange(len(images)), "class": classes.flatten(), "task": tasks.flatten()}[alike]
    apart = (images[:, None] - images).abs().amax((2, 3, 4))
    assert torch.equal(apart < 1e-4, group[:, None] == group)
