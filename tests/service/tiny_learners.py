"""Tiny, untrained learners: one that moves, and one of the kind that ships as ``photos``."""

import torch

from models.backbones.backbone import Params
from models.backbones.conv4 import Conv4
from models.backbones.depths import Depth
from models.backbones.stage import Stage
from models.backbones.staged import CENTRE, Staged
from models.backbones.views import View
from models.class_scatter import of_classes
from models.heads import Head
from models.images.preprocessing import Preprocessing
from models.inner_rule import InnerRule, Moves
from models.learner import BODY, HEAD, Learner

OF_DRAWINGS = Preprocessing("drawing", 28, 1, margin=0.1)
OF_PHOTOS = Preprocessing("photo", 24, 3, mean=(0.5,) * 3, std=(0.25,) * 3)


def moving(moves: Moves) -> Learner:
    """A Conv4 of 8 channels that moves the whole network, or a part of it, by two steps."""
    return Learner(Conv4(width=8), Head("prototype"), InnerRule(moves, 2))


def like_photos() -> Learner:
    """All that the shipped ``photos`` is put together from, smaller."""
    stages = (Stage(8, 2, skip=True), Stage(16, 2, skip=True))
    views = (View(0, 0, 0), View(0, 0, 0, mirror=True, zoom=0.22))
    backbone = Staged(
        3,
        24,
        stages,
        "running",
        unit=True,
        signed=True,
        centred=True,
        views=views,
        earlier=(Depth("stage2.1", 0.7),),
    )
    head = Head("lda", 8.0, shrinkage=8.0, shrinkage_by_shots=False, pull=6.0, sharpness=6.0)
    return Learner(backbone, head, InnerRule("nothing", 0))


def measured(learner: Learner, seed: int) -> Params:
    """A fresh phi whose centre, scatter and strangers are those of made-up images, as after a warm-up."""
    phi = learner.initial(seed)
    backbone = learner.backbone
    images = torch.rand(
        1, 64, backbone.channels, backbone.side, backbone.side, generator=torch.Generator().manual_seed(seed)
    )
    phi[BODY + CENTRE] = learner.embed(phi, images)[0].mean(0)
    scatter = of_classes(learner.embed(phi, images)[0], torch.arange(64) // 2)
    return phi | {HEAD + name: value for name, value in scatter.items()}
