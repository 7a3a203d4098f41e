"""Stages at rest are the same function of images as the backbone with its parameters."""

from dataclasses import replace

import pytest
import torch

from models.backbones.folded_staged import FoldedStaged
from models.backbones.stage import Stage
from models.backbones.staged import Staged
from models.heads import Head
from models.inner_rule import InnerRule
from models.learner import Learner

VIEWS = ((8.0, 0.1, 0.1), (-8.0, 0.1, -0.1))
BACKBONES = [
    pytest.param(
        Staged(3, 42, (Stage(16, 1, halving="stride"), *(Stage(w, 2, 3, "stride", True) for w in (16, 32, 40)))),
        id="resnet10",
    ),
    pytest.param(
        Staged(3, 33, tuple(Stage(w, 3, 3, "pool", True) for w in (16, 24, 40)), unit=True, average=False),
        id="resnet12",
    ),
    pytest.param(
        Staged(3, 21, (Stage(16, 2, 3, "stride", True), Stage(24, 2, 3, "stride", True)), signed=True),
        id="signed",
    ),
    pytest.param(
        Staged(1, 28, (Stage(16), Stage(24, 2, 3, "stride", True)), unit=True, average=False, views=VIEWS),
        id="views",
    ),
    pytest.param(
        Staged(
            1,
            28,
            (Stage(16), Stage(24, 2, 3, "stride", True)),
            unit=True,
            average=False,
            views=VIEWS,
            earlier=(("stage1.1", 0.5), ("stage2.1", 0.3)),
        ),
        id="depths-of-positions",
    ),
    pytest.param(
        Staged(3, 21, (Stage(16), Stage(24, 2, 3, "stride", True)), unit=True, centred=True, views=VIEWS),
        id="centred",
    ),
    pytest.param(
        Staged(
            3,
            21,
            (Stage(16, 1, 3, "pool"), Stage(24, 2, 3, "stride", True), Stage(16, 3, 3, "none", True)),
            unit=True,
            signed=True,
            centred=True,
            views=VIEWS,
            earlier=(("stage1.1", 0.4), ("stage2.2", 0.7), ("stage3.1", 1), ("stage3.2", 0.5)),
        ),
        id="depths",
    ),
    pytest.param(
        Staged(1, 28, (Stage(8, 1, 5, "pool"), Stage(8, 2, 3, "none", True), Stage(16, 1, 7, "stride", True))),
        id="large-kernels",
    ),
    pytest.param(Staged(3, 21, (Stage(24, 1, 1, "none"), Stage(24, 1, 1, "stride", True))), id="small-kernels"),
]


def params_of(backbone):
    generator = torch.Generator().manual_seed(3)
    params = backbone.initial(generator)
    for name, value in params.items():
        if not name.endswith("convolution"):
            value.add_(torch.rand(value.shape, generator=generator) - 0.3)
    params["stage1.1.scale"][3] = -0.4
    return params


def pictures(backbone):
    generator = torch.Generator().manual_seed(4)
    return torch.rand(9, backbone.channels, backbone.side, backbone.side, generator=generator)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_same_features(backbone):
    params, images = params_of(backbone), pictures(backbone)
    before = {name: value.clone() for name, value in params.items()}
    folded = FoldedStaged.of(backbone, params)
    wanted = backbone(params, images[None])[0][0]
    assert float(wanted.std()) > 0.01
    torch.testing.assert_close(folded(images), wanted, rtol=1e-5, atol=1e-5)
    assert all(torch.equal(value, params[name]) for name, value in before.items())


@pytest.mark.parametrize("backbone", BACKBONES)
def test_an_image_alone_and_in_company_are_the_same_bits(backbone):
    folded, images = FoldedStaged.of(backbone, params_of(backbone)), pictures(backbone)
    kept = images.clone()
    alone = torch.cat([folded(image[None]) for image in images])
    for size in (2, 3, 8, 9):
        assert torch.equal(torch.cat([folded(part) for part in images.split(size)]), alone)
    assert torch.equal(images, kept)


def test_what_cannot_be_folded_is_left_alone():
    backbone = BACKBONES[0].values[0]
    params = params_of(backbone)
    assert FoldedStaged.of(backbone, {name: value.double() for name, value in params.items()}) is None
    for normalisation in ("group", "support"):
        other = replace(backbone, normalisation=normalisation)
        assert FoldedStaged.of(other, other.initial(torch.Generator().manual_seed(0))) is None


def test_the_learner_uses_it():
    backbone = BACKBONES[1].values[0]
    learner = Learner(backbone, Head("prototype"), InnerRule("head", 1))
    assert isinstance(learner.embedding(params_of(backbone)), FoldedStaged)
