"""An ensemble answers by all its members' features, at rest as while training, and alone as in company."""

import dataclasses

import pytest
import torch

from models.backbones.backbone import is_constant, part
from models.backbones.conv4 import Conv4
from models.backbones.ensemble import Ensemble
from models.backbones.registry import backbone_as_dict, backbone_from_dict
from models.backbones.stage import Stage
from models.backbones.staged import Staged
from models.heads import Head, prototypes
from models.inner_rule import InnerRule
from models.learner import BODY, Learner
from models.support import Support

FIRST = Staged(3, 21, (Stage(16), Stage(24, 2, 3, "stride", True)), unit=True, centred=True)
VIEWS = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, True, 0.2))
SECOND = Staged(3, 21, (Stage(8), Stage(16, 2, 3, "stride", True)), unit=True, signed=True, views=VIEWS)
MEMBERS = (FIRST, SECOND)
ENSEMBLE = Ensemble(MEMBERS)
LEARNER = Learner(ENSEMBLE, Head("prototype", 8.0), InnerRule("nothing", 0))


def params_of(backbone):
    generator = torch.Generator().manual_seed(3)
    params = backbone.initial(generator)
    for name, value in params.items():
        if is_constant(name):
            value.add_(0.3 * torch.rand(value.shape, generator=generator))
    return params


def pictures(count=9):
    return torch.rand(count, 3, 21, 21, generator=torch.Generator().manual_seed(4))


def test_features_are_those_of_the_members_side_by_side():
    params, images = params_of(ENSEMBLE), pictures()
    found, moments = ENSEMBLE(params, images[None])
    each = [one(part(params, f"member{m}."), images[None])[0] for m, one in enumerate(MEMBERS, start=1)]
    assert moments is None
    assert ENSEMBLE.features == found.shape[-1] == 24 + 16
    assert ENSEMBLE.operations == FIRST.operations + SECOND.operations
    torch.testing.assert_close(found, torch.cat(each, -1) / 2**0.5)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(1, 9))


def test_distances_to_class_means_are_the_means_of_the_members():
    params, images = params_of(ENSEMBLE), pictures()
    support = Support.of_task(images[:6], torch.tensor([0, 0, 1, 1, 1, 2]))

    def distances(backbone, params):
        features = backbone(params, images[None])[0]
        centres = prototypes(features[:, :6], support)
        return (features[:, 6:, None] - centres[:, None]).square().sum(-1)

    each = [distances(one, part(params, f"member{m}.")) for m, one in enumerate(MEMBERS, start=1)]
    torch.testing.assert_close(distances(ENSEMBLE, params), sum(each) / 2)


def test_at_rest_it_is_the_same_function_and_an_image_alone_has_the_same_bits():
    params, images = params_of(ENSEMBLE), pictures()
    embedding = LEARNER.embedding(params)
    torch.testing.assert_close(embedding(images), ENSEMBLE(params, images[None])[0][0], rtol=1e-5, atol=1e-5)
    alone = torch.cat([embedding(image[None]) for image in images])
    for size in (2, 3, 9):
        assert torch.equal(torch.cat([embedding(some) for some in images.split(size)]), alone)


def test_while_training_each_normalisation_is_taken_in_the_order_of_its_name():
    params, images = params_of(ENSEMBLE), pictures()
    _, moments = ENSEMBLE(params, images[None], pooled=True)
    sizes = ENSEMBLE.normalised
    taken = dict(zip(sizes, moments.split(list(sizes.values()), -1), strict=True))
    assert set(sizes) == {name for name in params if is_constant(name) and "centre" not in name}
    _, alone = SECOND(part(params, "member2."), images[None], pooled=True)
    assert torch.equal(torch.cat([taken[name] for name in sizes if name.startswith("member2.")], -1), alone)


def test_tasks_have_members_of_their_own_where_they_move():
    learner = dataclasses.replace(LEARNER, rule=InnerRule("all", 1, "one", 0.5))
    phi, images = learner.initial(seed=0), pictures()
    support = Support.of_task(images[:6], torch.tensor([0, 0, 1, 1, 2, 2]))
    theta = learner.adapt(phi, support)
    assert not ENSEMBLE.is_per_task(part(phi, BODY))
    assert ENSEMBLE.is_per_task(theta.body)
    for member in ("member1.", "member2."):
        name = f"{member}stage1.1.convolution"
        assert not torch.equal(theta.body[name][0], phi[f"{BODY}{name}"])
    assert torch.isfinite(learner.predict(theta, images[None, 6:])).all()


def test_a_card_describes_it():
    described = backbone_as_dict(ENSEMBLE)
    assert [one["kind"] for one in described["members"]] == ["stages", "stages"]
    assert backbone_from_dict(described) == ENSEMBLE
    with pytest.raises(TypeError, match="side"):
        backbone_from_dict({**described, "side": 21})


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ((FIRST,), "at least 2 members, not 1"),
        ((FIRST, dataclasses.replace(SECOND, side=24)), "agree in channels, side and normalisation"),
        ((FIRST, dataclasses.replace(SECOND, normalisation="group")), "agree in channels, side and normalis"),
        ((FIRST, dataclasses.replace(SECOND, unit=False)), "set unit to true"),
        ((Conv4(1, 16, 8, "pool", "support", 4, unit=True),) * 2, "group or running normalisation"),
    ],
)
def test_members_that_do_not_go_together_are_refused(members, message):
    with pytest.raises(ValueError, match=message):
        Ensemble(members)
