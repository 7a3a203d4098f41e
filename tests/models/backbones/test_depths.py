"""Features of several depths: which maps they are means of, how long each part is, and from where it is seen."""

import dataclasses
import math

import pytest
import torch

from models.backbones.registry import backbone_as_dict, backbone_from_dict
from models.backbones.stage import Stage
from models.backbones.staged import Staged

STAGES = (
    Stage(8, 1, halving="stride"),
    Stage(16, 2, halving="stride", skip=True),
    Stage(24, 2, halving="pool", skip=True),
)
EARLIER = (("stage2.2", 0.5), ("stage3.1", 2.0))
LAST = Staged(3, 20, STAGES, unit=True, signed=True)
DEEP = dataclasses.replace(LAST, earlier=EARLIER)


def made(backbone=DEEP):
    generator = torch.Generator().manual_seed(2)
    params = backbone.initial(generator)
    for name, value in params.items():
        if not name.endswith("convolution"):
            value.add_(torch.rand(value.shape, generator=generator))
    return params, torch.rand(1, 6, 3, 20, 20, generator=generator)


def unit(features):
    return features / features.square().sum(-1, keepdim=True).sqrt()


def test_each_part_is_the_mean_of_its_layers_maps():
    params, images = made()
    second = dataclasses.replace(LAST, stages=STAGES[:2], signed=False)  # ends with the maps of stage2.2
    # Its maps are those of stage3.1 before the network goes on, adds what came in and takes the maximum.
    third = dataclasses.replace(LAST, stages=(*STAGES[:2], Stage(24, 1, halving="none")), signed=False)
    parts = [LAST(params, images)[0], 0.5 * second(params, images)[0], 2 * third(params, images)[0]]
    found, _ = DEEP(params, images)
    assert found.shape[-1] == DEEP.features == 24 + 16 + 24
    torch.testing.assert_close(found, torch.cat(parts, -1) / (1 + 0.25 + 4) ** 0.5)
    torch.testing.assert_close(found.square().sum(-1), torch.ones(1, 6))


def test_without_means_each_part_is_every_position_of_its_layers_maps():
    params, images = made()
    last = dataclasses.replace(LAST, average=False)
    second = dataclasses.replace(last, stages=STAGES[:2], signed=False)
    third = dataclasses.replace(last, stages=(*STAGES[:2], Stage(24, 1, halving="none")), signed=False)
    deep = dataclasses.replace(DEEP, average=False)
    found, _ = deep(params, images)
    # 20 pixels are halved by strides to 5, and by the maximum after stage3 to 2.
    assert deep.widths == (24 * 4, 16 * 25, 24 * 25)
    assert found.shape[-1] == deep.features == sum(deep.widths)
    parts = [last(params, images)[0], 0.5 * second(params, images)[0], 2 * third(params, images)[0]]
    torch.testing.assert_close(found, torch.cat(parts, -1) / (1 + 0.25 + 4) ** 0.5)
    centred = dataclasses.replace(deep, centred=True)
    mean = found.mean((0, 1))
    away, _ = centred(params | {"centre.moments": mean}, images)
    wanted = [unit(part - part.mean((0, 1))) for part in found.split(list(deep.widths), -1)]
    wanted = [part * weight / 5.25**0.5 for part, weight in zip(wanted, (1, 0.5, 2), strict=True)]
    torch.testing.assert_close(away, torch.cat(wanted, -1), rtol=1e-4, atol=1e-5)


def test_they_cost_no_operations_and_leave_phi_what_it_is():
    assert DEEP.operations == LAST.operations
    assert DEEP.initial(torch.Generator()).keys() == LAST.initial(torch.Generator()).keys()


def test_each_part_is_a_mean_over_views_and_seen_from_its_own_centre():
    params, images = made()
    views = ((0, 0, 0), (0, 0, 0, True, 0.2))
    seen = dataclasses.replace(DEEP, views=views)
    both = torch.stack([DEEP(params, images)[0], dataclasses.replace(DEEP, views=views[1:])(params, images)[0]])
    parts = [unit(unit(part).mean(0)) for part in both.split([24, 16, 24], -1)]
    weights = [weight / 5.25**0.5 for weight in (1, 0.5, 2)]
    averaged = torch.cat([part * weight for part, weight in zip(parts, weights, strict=True)], -1)
    torch.testing.assert_close(seen(params, images)[0], averaged)
    centred = dataclasses.replace(seen, centred=True)
    mean = averaged.mean((0, 1))
    found, _ = centred(params | {"centre.moments": mean}, images)
    away = [unit(part - part.mean((0, 1))) for part in parts]
    wanted = torch.cat([part * weight for part, weight in zip(away, weights, strict=True)], -1)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_gradients_reach_all_depths():
    params, images = made()
    kernel = params["stage2.1.convolution"].requires_grad_()
    features, _ = DEEP(params, images, pooled=True)
    (of_second,) = torch.autograd.grad(features[..., 24:40].sum(), kernel, retain_graph=True)
    assert float(of_second.abs().sum()) > 0
    assert features.shape[-1] == DEEP.features


def test_a_card_gives_it_back():
    assert backbone_from_dict(backbone_as_dict(DEEP)) == DEEP
    older = {key: value for key, value in backbone_as_dict(LAST).items() if key != "earlier"}
    assert backbone_from_dict(older) == LAST


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"earlier": [["stage3.2", 1]]},
            "earlier names stage3.2: the layers before the last are stage1.1, stage2.1",
        ),
        ({"earlier": [["stage3.skip", 1]]}, "earlier names stage3.skip"),
        ({"earlier": [["stage2.1", 0]]}, "a weight above 0"),
        ({"earlier": [["stage2.1", math.inf]]}, "up to 100"),
        ({"earlier": [["stage2.1", 1e200]]}, "up to 100"),
        ({"earlier": [["stage2.1"]]}, "pairs of a layer and a weight"),
        ({"earlier": [[2, 1]]}, "pairs of a layer and a weight"),
        ({"earlier": [["stage2.1", 1], ["stage2.1", 2]]}, "names a layer twice"),
        ({"earlier": [["stage2.1", 1]], "unit": False}, "set unit to true"),
    ],
)
def test_what_does_not_fit_is_told(changes, message):
    with pytest.raises(ValueError, match=message):
        backbone_from_dict(backbone_as_dict(LAST) | changes)
