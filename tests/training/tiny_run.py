"""Tiny classes and a tiny recipe, for runs of a second."""

import torch

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.images.preprocessing import Preprocessing
from models.initialization import learner_as_dict
from models.inner_rule import InnerRule
from models.learner import Learner
from training.datasets.class_images import ClassImages
from training.outer_plan import Outer
from training.recipe import Data, Episodes, Jitter, Recipe, Report, Validation


def noisy_classes(count, seed, images=8, noise=0.4):
    """Classes of one random pattern each, seen through noise."""
    generator = torch.Generator().manual_seed(seed)
    patterns = (torch.rand(count, 1, 4, 4, generator=generator) > 0.5).float()
    patterns = torch.nn.functional.interpolate(patterns, (16, 16))[:, None]
    grain = torch.rand(count, images, 1, 16, 16, generator=generator)
    levels = (255 * ((1 - noise) * patterns + noise * grain)).to(torch.uint8).flatten(0, 1)
    names = tuple(f"c{index:02d}" for index in range(count))
    return ClassImages(levels, torch.arange(count + 1) * images, names, ("",) * count)


def recipe(**changes):
    learner = Learner(Conv4(1, 16, 8, groups=4), Head("prototype"), InnerRule("all", 1, "layer-step", 0.05))
    values = {
        "name": "tiny",
        "description": "for tests",
        "licence": "none",
        "seed": 3,
        "preprocessing": Preprocessing("drawing", 16, 1).as_dict(),
        "learner": learner_as_dict(learner),
        "data": Data("folder"),
        "episodes": Episodes(ways=5, shots=1, queries=2),
        "jitter": Jitter(rotation=5, shift=0.02),
        "class_jitter": Jitter(rotation=5, elastic=0.01),
        "outer": Outer(tasks=2, steps=8, warm_up=2, learning_rate=0.01),
        "validation": Validation(every=2, episodes=10, ways=5, shots=1, queries=2),
        "reports": (Report(5, 1), Report(3, 2)),
        "report_episodes": 20,
        "calibration_tasks": 5,
    }
    return Recipe(**(values | changes))


TRAINING = noisy_classes(20, seed=0)
# With 8 images, classes could be divided in two, and whatever publishes a run would spend nearly all its time on
# fitting what tasks of such parts tell: test_calibration and test_alike_rows do, and the commands on strokes.
VALIDATION = noisy_classes(10, seed=1, images=7)
