"""The backbone against torch's own modules, and its shapes."""

import pytest
import torch
from torch import nn

from models.backbones.at_rest import each_alone
from models.backbones.conv4 import Conv4

WIDTHS = (4, 8, 12, 16)
SIDE = 28


def reference(params, halvings):
    """The same network of torch's modules, with batch normalisation whose moments are those of ``params``."""
    blocks = []
    for block, width in enumerate(WIDTHS, start=1):
        weight = params[f"block{block}.convolution"]
        convolution = nn.Conv2d(weight.shape[1], width, 3, padding=1, bias=False)
        normalisation = nn.BatchNorm2d(width, momentum=1.0)
        convolution.weight.data = weight.clone()
        normalisation.weight.data = params[f"block{block}.scale"].clone()
        normalisation.bias.data = params[f"block{block}.shift"].clone()
        normalisation.running_mean, normalisation.running_var = params[f"block{block}.moments"].clone()
        halving = nn.MaxPool2d(2) if block <= halvings else nn.Identity()
        blocks += [convolution, halving, normalisation, nn.ReLU()]
    return nn.Sequential(*blocks, nn.Flatten())


@pytest.fixture
def made():
    backbone = Conv4(1, SIDE, WIDTHS, "pool", "running", 4, halvings=3)
    generator = torch.Generator().manual_seed(5)
    params = {name: value.double() for name, value in backbone.initial(generator).items()}
    for name, value in params.items():
        if not name.endswith("convolution"):
            value.add_(torch.rand(value.shape, generator=generator))
    images = torch.rand(2, 7, 1, SIDE, SIDE, generator=generator, dtype=torch.float64)
    return backbone, params, images


def test_running_normalisation_equals_batchnorm_in_evaluation(made):
    backbone, params, images = made
    wanted = reference(params, 3).eval()(images.flatten(0, 1)).view(2, 7, -1)
    assert backbone.features == wanted.shape[-1] == 16 * 3 * 3
    torch.testing.assert_close(backbone(params, images)[0], wanted, rtol=1e-10, atol=1e-10)


def test_pooled_moments_equal_batchnorm_in_training(made):
    backbone, params, images = made
    for block in range(1, 5):
        params[f"block{block}.convolution"].requires_grad_()
    network = reference(params, 3).train()
    wanted = network(images.flatten(0, 1)).view(2, 7, -1)
    features, moments = backbone(params, images, pooled=True)
    torch.testing.assert_close(features, wanted, rtol=1e-10, atol=1e-10)
    norms = [module for module in network if isinstance(module, nn.BatchNorm2d)]
    found = torch.stack(
        [torch.cat([norm.running_mean for norm in norms]), torch.cat([norm.running_var for norm in norms])]
    )
    torch.testing.assert_close(moments[:, 0], found)
    wanted.square().sum().backward()
    features.square().sum().backward()
    for block in range(1, 5):
        expected = network[4 * (block - 1)].weight.grad
        torch.testing.assert_close(params[f"block{block}.convolution"].grad, expected, rtol=1e-8, atol=1e-10)


def test_unit_features_have_length_one(made):
    _, params, images = made
    plain, _ = Conv4(1, SIDE, WIDTHS, "pool", "running", 4, halvings=3)(params, images)
    unit, _ = Conv4(1, SIDE, WIDTHS, "pool", "running", 4, halvings=3, unit=True)(params, images)
    torch.testing.assert_close(unit, plain / plain.norm(dim=-1, keepdim=True))


@pytest.mark.parametrize("normalisation", ["group", "running", "support"])
@pytest.mark.parametrize(
    "settings",
    [
        {"width": 16},
        {"width": 16, "views": ((8.0, 0.1, 0.1), (-8.0, 0.1, -0.1))},
        {"width": 64, "halving": "stride"},  # torch convolved a single image otherwise than several
        {"width": 24, "channels": 3, "side": 13, "halvings": 3},
        {"width": 40, "channels": 3, "halving": "stride"},
    ],
)
def test_an_image_alone_and_in_company_are_the_same_bits(normalisation, settings):
    backbone = Conv4(normalisation=normalisation, **settings)
    params = backbone.initial(torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(1, 16, backbone.channels, backbone.side, backbone.side, generator=generator)
    seen = torch.rand(2, 1, 4 * backbone.width, generator=generator)
    with torch.no_grad():
        alone = torch.cat([each_alone(backbone, params, one, seen) for one in images.split(1, 1)], 1)
        torch.testing.assert_close(alone, backbone(params, images, seen=seen)[0], rtol=1e-4, atol=1e-4)
        for size in (2, 3, 16):
            parts = [each_alone(backbone, params, some, seen) for some in images.split(size, 1)]
            assert torch.equal(torch.cat(parts, 1), alone)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"width": (8, 8, 8)}, "one number or 4"),
        ({"width": 12, "groups": 8}, "multiple of 8"),
        ({"halvings": 5}, "0 to 4"),
        ({"side": 14}, "use at least 16"),
        ({"groups": 0}, "at least 1 group"),
        ({"groups": -8}, "at least 1 group"),
        ({"width": 0}, "multiple of 8"),
        ({"halving": "strided"}, "pool or stride, not 'strided'"),
        ({"normalisation": "batch"}, "group, support, running, not 'batch'"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Conv4(**wrong)


@pytest.mark.parametrize("halving", ["pool", "stride"])
@pytest.mark.parametrize("threads", [1, 2])
def test_no_image_has_no_features(halving, threads):
    backbone = Conv4(1, SIDE, 16, halving=halving)
    params = backbone.initial(torch.Generator().manual_seed(0))
    params = {name: value.requires_grad_() for name, value in params.items()}
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        features, _ = backbone(params, torch.zeros(1, 0, 1, SIDE, SIDE))
        assert features.shape == (1, 0, backbone.features)
        features.sum().backward()
    finally:
        torch.set_num_threads(before)
    assert all(not value.grad.any() for value in params.values() if value.grad is not None)
