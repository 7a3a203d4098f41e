"""Staged against torch's own modules, its sizes, and its operations as torch counts them."""

import dataclasses

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.backbones.at_rest import each_alone
from models.backbones.registry import backbone_as_dict, backbone_from_dict
from models.backbones.stage import Stage
from models.backbones.staged import Staged

SIDE = 20
STAGES = (
    Stage(8, convolutions=1, halving="stride"),
    Stage(8, convolutions=2, halving="none", skip=True),
    Stage(16, convolutions=2, halving="stride", skip=True),
    Stage(24, convolutions=3, kernel=5, halving="pool", skip=True),
    Stage(16, convolutions=1, kernel=1, halving="none"),
)


class Reference(nn.Module):
    """A stage of torch's modules."""

    def __init__(self, inputs, stage):
        super().__init__()
        stride = 2 if stage.halving == "stride" else 1
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        for index in range(stage.convolutions):
            sizes = (inputs if index == 0 else stage.width, stage.width, stage.kernel)
            self.convolutions.append(
                nn.Conv2d(*sizes, stride if index == 0 else 1, stage.kernel // 2, bias=False)
            )
            self.norms.append(nn.BatchNorm2d(stage.width, momentum=1.0))
        self.skip = None
        if stage.skip and (inputs != stage.width or stride == 2):
            self.skip = nn.Sequential(
                nn.Conv2d(inputs, stage.width, 1, stride, bias=False), nn.BatchNorm2d(stage.width, momentum=1.0)
            )
        self.stage = stage

    def forward(self, maps):
        start = maps if self.skip is None else self.skip(maps)
        for index, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            maps = norm(convolution(maps))
            if self.stage.skip and index == len(self.convolutions) - 1:
                maps = maps + start
            maps = maps.relu()
        return nn.functional.max_pool2d(maps, 2) if self.stage.halving == "pool" else maps


def reference(params):
    """The network of torch's modules with these parameters, and its normalisations in the order of the pass."""
    inputs, stages, norms = 3, [], []
    for number, stage in enumerate(STAGES, start=1):
        of_stage = Reference(inputs, stage)
        layers = [
            (str(index), of_stage.convolutions[index - 1], of_stage.norms[index - 1])
            for index in range(1, stage.convolutions + 1)
        ]
        layers += [("skip", *of_stage.skip)] if of_stage.skip else []
        for layer, convolution, norm in layers:
            name = f"stage{number}.{layer}"
            convolution.weight.data = params[f"{name}.convolution"].clone()
            norm.weight.data, norm.bias.data = params[f"{name}.scale"].clone(), params[f"{name}.shift"].clone()
            norm.running_mean, norm.running_var = params[f"{name}.moments"].clone()
            norms.append(norm)
        stages.append(of_stage)
        inputs = stage.width
    return nn.Sequential(*stages), norms


@pytest.fixture
def made():
    backbone = Staged(3, SIDE, STAGES, "running")
    generator = torch.Generator().manual_seed(5)
    params = {name: value.double() for name, value in backbone.initial(generator).items()}
    for name, value in params.items():
        if not name.endswith("convolution"):
            value.add_(torch.rand(value.shape, generator=generator))
    images = torch.rand(2, 6, 3, SIDE, SIDE, generator=generator, dtype=torch.float64)
    return backbone, params, images


def test_the_same_function_as_torchs_modules(made):
    backbone, params, images = made
    network, _ = reference(params)
    wanted = network.eval()(images.flatten(0, 1)).mean((2, 3)).view(2, 6, -1)
    torch.testing.assert_close(backbone(params, images)[0], wanted, rtol=1e-10, atol=1e-10)


def test_pooled_moments_and_gradients_equal_those_of_training_modules(made):
    backbone, params, images = made
    kernels = [name for name in params if name.endswith("convolution")]
    for name in kernels:
        params[name].requires_grad_()
    network, norms = reference({name: value.detach() for name, value in params.items()})
    wanted = network.train()(images.flatten(0, 1)).mean((2, 3)).view(2, 6, -1)
    features, moments = backbone(params, images, pooled=True)
    torch.testing.assert_close(features, wanted, rtol=1e-9, atol=1e-9)
    found = torch.stack([torch.cat([n.running_mean for n in norms]), torch.cat([n.running_var for n in norms])])
    torch.testing.assert_close(moments[:, 0], found)
    wanted.square().sum().backward()
    features.square().sum().backward()
    torch.testing.assert_close(
        params["stage4.2.convolution"].grad, network[3].convolutions[1].weight.grad, rtol=1e-8, atol=1e-10
    )
    torch.testing.assert_close(
        params["stage3.skip.convolution"].grad, network[2].skip[0].weight.grad, rtol=1e-8, atol=1e-10
    )


def test_each_task_by_its_own_parameters(made):
    backbone, params, images = made
    other = {name: value + 0.1 * torch.rand_like(value) for name, value in params.items()}
    both = {
        name: value if name.endswith("moments") else torch.stack([value, other[name]])
        for name, value in params.items()
    }
    constants = {name: value for name, value in params.items() if name.endswith("moments")}
    assert backbone.is_per_task(both)
    found, _ = backbone(both, images)
    torch.testing.assert_close(found[:1], backbone(params, images[:1])[0], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found[1:], backbone(other | constants, images[1:])[0], rtol=1e-9, atol=1e-9)


def test_each_positions_features_where_they_are_not_averaged(made):
    backbone, params, images = made
    spread = dataclasses.replace(backbone, average=False)
    found, _ = spread(params, images)
    assert found.shape[-1] == spread.features == 16 * 2 * 2
    torch.testing.assert_close(found.unflatten(-1, (16, 4)).mean(-1), backbone(params, images)[0])


@pytest.mark.parametrize("normalisation", ["group", "running"])
@pytest.mark.parametrize("stages", [STAGES, STAGES[:3]], ids=["plain-end", "skip-at-the-end"])
def test_signed_features_are_those_before_the_last_relu(stages, normalisation):
    backbone = Staged(3, SIDE, stages, normalisation, average=False)
    params = backbone.initial(torch.Generator().manual_seed(0))
    images = torch.rand(1, 4, 3, SIDE, SIDE)
    signed, _ = dataclasses.replace(backbone, signed=True)(params, images)
    assert float(signed.min()) < 0
    torch.testing.assert_close(signed.relu(), backbone(params, images)[0])


@pytest.mark.parametrize("normalisation", ["group", "running", "support"])
def test_an_image_alone_and_in_company_are_the_same_bits(normalisation):
    backbone = Staged(3, SIDE, STAGES, normalisation, unit=True)
    params = backbone.initial(torch.Generator().manual_seed(0))
    images = torch.rand(1, 12, 3, SIDE, SIDE)
    seen = torch.rand(2, 1, sum(backbone.normalised.values()))
    alone = torch.cat([each_alone(backbone, params, one, seen) for one in images.split(1, 1)], 1)
    torch.testing.assert_close(alone, backbone(params, images, seen=seen)[0], rtol=1e-4, atol=1e-4)
    for size in (2, 3, 12):
        parts = [each_alone(backbone, params, some, seen) for some in images.split(size, 1)]
        assert torch.equal(torch.cat(parts, 1), alone)


def test_operations_are_those_that_torch_counts(made):
    backbone, params, images = made
    network, _ = reference(params)
    with FlopCounterMode(display=False) as counter:
        network.eval()(images[0, :1])
    assert backbone.operations == counter.get_total_flops()


def test_a_card_gives_it_back(made):
    backbone, _, _ = made
    written = backbone_as_dict(backbone)
    assert written["kind"] == "stages"
    assert backbone_from_dict(written) == backbone


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([{"width": 12}], "multiple of its 8 groups"),
        ([{"width": 8, "groups": 0}], "multiple of its 0 groups"),
        ([{"width": 8, "groups": -8}], "multiple of its -8 groups"),
        ([{"width": 8, "kernel": 2}], "of side 1, 3, 5 or 7"),
        ([{"width": 8, "halving": "twice"}], "none, pool, stride"),
        ([{"width": 8}] * 5, "leave nothing of 20 pixels"),
        ([], "at least one stage"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(stages, message):
    with pytest.raises(ValueError, match=message):
        backbone_from_dict({"kind": "stages", "channels": 3, "side": SIDE, "stages": stages})


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="conv4 or stages"):
        backbone_from_dict({"kind": "transformer"})


@pytest.mark.parametrize("average", [True, False])
def test_centred_features_are_directions_from_the_centre(average):
    plain = Staged(3, SIDE, STAGES, unit=True, average=average)
    centred = dataclasses.replace(plain, centred=True)
    params, images = centred.initial(torch.Generator().manual_seed(0)), torch.rand(1, 4, 3, SIDE, SIDE)
    before, _ = plain(params, images)
    torch.testing.assert_close(centred(params, images)[0], before)  # of no centre yet
    params["centre.moments"] += before.mean((0, 1))
    found, _ = centred(params, images)
    for one, wanted in zip(found[0], before[0] - before[0].mean(0), strict=True):
        torch.testing.assert_close(one, wanted / wanted.square().sum().sqrt())
    trained, _ = centred(params, images, pooled=True)
    torch.testing.assert_close(trained, plain(params, images, pooled=True)[0])  # while training, as without
    with pytest.raises(ValueError, match="set unit to true"):
        Staged(3, SIDE, STAGES, centred=True)
