"""The backbone at rest is the same function of images as the backbone with its parameters."""

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.backbones.folded_conv4 import FoldedConv4

VIEWS = ((8.0, 0.1, 0.1), (-8.0, 0.1, -0.1), (0.0, -0.2, 0.0))
WIDTHS = (16, 8, 24, 40)


def made(**settings):
    backbone = Conv4(width=WIDTHS, normalisation="running", **settings)
    generator = torch.Generator().manual_seed(3)
    params = backbone.initial(generator)
    for name, value in params.items():
        if not name.endswith("convolution"):
            value.add_(torch.rand(value.shape, generator=generator) - 0.3)
    return backbone, params, torch.rand(9, backbone.channels, 28, 28, generator=generator)


SETTINGS = [
    {},
    {"halvings": 3, "unit": True, "views": VIEWS},
    {"halving": "stride"},
    {"halving": "stride", "halvings": 2, "channels": 3, "views": VIEWS},
    {"channels": 3, "unit": True, "halvings": 2},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_same_features(settings):
    backbone, params, images = made(**settings)
    before = {name: value.clone() for name, value in params.items()}
    folded = FoldedConv4.of(backbone, params)
    torch.testing.assert_close(folded(images), backbone(params, images[None])[0][0], rtol=1e-5, atol=1e-5)
    assert all(torch.equal(value, params[name]) for name, value in before.items())


@pytest.mark.parametrize("settings", SETTINGS)
def test_an_image_alone_and_in_company_are_the_same_bits(settings):
    backbone, params, images = made(**settings)
    folded = FoldedConv4.of(backbone, params)
    alone = torch.cat([folded(image[None]) for image in images])
    for size in (2, 3, 9):
        assert torch.equal(torch.cat([folded(part) for part in images.split(size)]), alone)


def test_what_cannot_be_folded_is_left_alone():
    backbone, params, _ = made()
    params["block2.scale"][3] = -0.1
    assert FoldedConv4.of(backbone, params) is None
    backbone, params, _ = made()
    assert FoldedConv4.of(backbone, {name: value.double() for name, value in params.items()}) is None
    for normalisation in ("group", "support"):
        other = Conv4(width=16, normalisation=normalisation)
        assert FoldedConv4.of(other, other.initial(torch.Generator().manual_seed(0))) is None
