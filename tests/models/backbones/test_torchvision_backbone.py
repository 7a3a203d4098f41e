"""Backbones of torchvision against torchvision's own modules."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torchvision
from torch import nn

from models.backbones.at_rest import at_rest
from models.backbones.backbone import is_constant
from models.backbones.registry import backbone_as_dict, backbone_from_dict
from models.backbones.torchvision_backbone import TorchvisionBackbone
from models.heads import Head
from models.inner_rule import InnerRule
from models.learner import Learner
from models.support import Support

SIDE = 32
SUPPORT_PARTS = ("images", "labels", "weights", "ways")
LAST = {
    "resnet18": "fc",
    "shufflenet_v2_x0_5": "fc",
    "mobilenet_v3_small": "classifier.3",
    "efficientnet_b0": "classifier.1",
    "squeezenet1_1": "classifier.1",
}


def reference(model, seed=0, scaled=False):
    """torchvision's network with changed moments and, if wanted, He's weights, without its last layer."""
    torch.manual_seed(seed)
    network = torchvision.models.get_model(model, weights=None)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.1, 0.1)
            part.running_var.uniform_(0.5, 1.5)
        if scaled and isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
    state = network.state_dict()
    parent, _, name = LAST[model].rpartition(".")
    setattr(network.get_submodule(parent), name, nn.Identity())
    return network.eval(), state


def pictures(count, seed=1):
    return torch.rand(1, count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("model", LAST)
def test_equals_the_module_in_evaluation(model):
    network, state = reference(model)
    backbone = TorchvisionBackbone(model, SIDE)
    params = backbone.params_of(state)
    with torch.no_grad():
        wanted = network(pictures(3)[0])
        torch.testing.assert_close(backbone(params, pictures(3))[0][0], wanted, rtol=1e-4, atol=1e-5)
    assert backbone.features == wanted.shape[1]
    assert not any(name.startswith(LAST[model]) or "num_batches" in name for name in params)
    named = {name for name, value in network.named_parameters()}
    assert {name for name in params if not is_constant(name)} == named
    fresh = backbone.initial(torch.Generator().manual_seed(0))
    assert {name: value.shape for name, value in fresh.items()} == {n: v.shape for n, v in params.items()}
    assert backbone_from_dict(backbone_as_dict(backbone)) == backbone


def test_what_is_drawn_follows_from_the_generator_alone():
    backbone = TorchvisionBackbone("shufflenet_v2_x0_5", SIDE)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first, again, other = (backbone.initial(torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first["conv1.0.weight"], again["conv1.0.weight"])
    assert not torch.equal(first["conv1.0.weight"], other["conv1.0.weight"])


def test_operations_are_counted():
    resnet = TorchvisionBackbone("resnet18", 224)
    assert resnet.operations == pytest.approx(2 * 1.814e9, rel=1e-3)  # torchvision's table, in products
    assert (resnet.features, len(resnet.normalised)) == (512, 20)


# Of efficientnet, SiLU of 4 to 28 numbers an image: what is left beyond a batch's last whole vector differs.
@pytest.mark.parametrize("model", ["resnet18", "shufflenet_v2_x0_5", "efficientnet_b0"])
def test_an_image_alone_and_in_company_are_the_same_bits(model):
    backbone = TorchvisionBackbone(model, SIDE, unit=True)
    params = backbone.params_of(reference(model)[1])
    images = pictures(9)[0]
    embedding = at_rest(backbone, params)
    with torch.no_grad():
        alone = torch.cat([embedding(one) for one in images.split(1)])
        for size in (2, 3, 8, 9):
            assert torch.equal(torch.cat([embedding(some) for some in images.split(size)]), alone)
        torch.testing.assert_close(alone, backbone(params, images[None])[0][0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(alone.norm(dim=-1), torch.ones(9))


def test_pooled_moments_equal_batchnorm_in_training():
    network, state = reference("resnet18")
    backbone = TorchvisionBackbone("resnet18", SIDE)
    params = {name: value.double() for name, value in backbone.params_of(state).items()}
    images = pictures(6).double()
    before = {name: value.clone() for name, value in params.items()}
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 1.0
    network.double().train()
    features, moments = backbone(params, images, pooled=True)
    torch.testing.assert_close(features[0], network(images[0]))
    sizes = backbone.normalised
    for name, found in zip(sizes, moments.split(list(sizes.values()), -1), strict=True):
        norm = network.get_submodule(name.removesuffix(".moments"))
        torch.testing.assert_close(found[:, 0], torch.stack([norm.running_mean, norm.running_var]))
    assert all(torch.equal(params[name], value) for name, value in before.items())
    # A pass in training leaves nothing behind for one in evaluation.
    with torch.no_grad():
        wanted = reference("resnet18")[0].double()(images[0])
        torch.testing.assert_close(backbone(params, images)[0][0], wanted)


def test_tasks_with_parameters_of_their_own_are_as_each_alone():
    backbone = TorchvisionBackbone("shufflenet_v2_x0_5", SIDE)
    own = [backbone.params_of(reference("shufflenet_v2_x0_5", seed)[1]) for seed in (0, 1)]
    own = [one | {name: value for name, value in own[0].items() if is_constant(name)} for one in own]
    stacked = {n: v if is_constant(n) else torch.stack([v, own[1][n]]) for n, v in own[0].items()}
    assert backbone.is_per_task(stacked)
    assert not backbone.is_per_task(own[0])
    images = torch.cat([pictures(2), pictures(2, seed=5)])
    with torch.no_grad():
        features, moments = backbone(stacked, images)
        for task, params in enumerate(own):
            assert torch.equal(features[task], backbone(params, images[task : task + 1])[0][0])
    assert moments is None


def test_the_outer_gradient_through_an_adapted_network_is_the_slope():
    backbone = TorchvisionBackbone("shufflenet_v2_x0_5", SIDE, unit=True)
    learner = Learner(backbone, Head("prototype"), InnerRule("all", 1, "one", 0.01))
    phi = {name: value.double() for name, value in learner.initial(seed=0).items()}
    state = reference("shufflenet_v2_x0_5", scaled=True)[1]
    phi |= {f"body.{name}": value.double() for name, value in backbone.params_of(state).items()}
    support = Support.of_task(pictures(4)[0].double(), torch.tensor([0, 0, 1, 1]))
    generator = torch.Generator().manual_seed(2)
    way = {n: torch.randn(v.shape, generator=generator, dtype=v.dtype) for n, v in phi.items()}
    way = {name: value * (not is_constant(name)) for name, value in way.items()}

    def loss(params, second_order):
        theta = learner.adapt(params, support, second_order=second_order)
        logits = learner.predict(theta, pictures(3, seed=7).double())
        return torch.nn.functional.cross_entropy(logits[0], torch.tensor([0, 1, 0]))

    def slope(second_order):
        leaves = {n: v if is_constant(n) else v.clone().requires_grad_() for n, v in phi.items()}
        loss(leaves, second_order).backward()
        return sum(float((v.grad * way[n]).sum()) for n, v in leaves.items() if not is_constant(n))

    ahead, behind = (
        float(loss({n: v + h * way[n] for n, v in phi.items()}, False).detach()) for h in (1e-8, -1e-8)
    )
    wanted = (ahead - behind) / 2e-8
    assert slope(True) == pytest.approx(wanted, rel=1e-4)
    assert slope(False) != pytest.approx(wanted, rel=1e-2)


def test_curvature_that_has_learned_nothing_changes_no_step():
    backbone = TorchvisionBackbone("shufflenet_v2_x0_5", SIDE)
    learners = [
        Learner(backbone, Head("prototype"), InnerRule("all", 1, of, 0.01)) for of in ("one", "curvature")
    ]
    tasks = [Support.of_task(pictures(4, seed)[0], torch.tensor([0, 0, 1, 1])) for seed in (0, 1)]
    two = Support(*(torch.cat([getattr(one, name) for one in tasks]) for name in SUPPORT_PARTS))
    for support in (tasks[0], two):
        plain, curved = (learner.adapt(learner.initial(0), support).tensors() for learner in learners)
        assert plain.keys() == curved.keys()
        for name, value in plain.items():
            torch.testing.assert_close(curved[name], value)


def test_threads_do_not_meet():
    backbone = TorchvisionBackbone("shufflenet_v2_x0_5", SIDE)
    params = [backbone.initial(torch.Generator().manual_seed(seed)) for seed in range(4)]

    def features(one):
        with torch.no_grad():
            return backbone(one, pictures(4))[0]

    wanted = [features(one) for one in params]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            found = list(pool.map(features, params))
            assert all(torch.equal(*pair) for pair in zip(found, wanted, strict=True))


@pytest.mark.parametrize(
    ("model", "side", "message"),
    [
        ("resnet19", SIDE, "no classification network 'resnet19'.*resnet18"),
        ("inception_v3", 299, "no classification network"),
        ("fcn_resnet50", SIDE, "no classification network"),
        ("squeezenet1_1", 8, "squeezenet1_1 can't take images of 8 x 8 pixels"),
    ],
)
def test_what_torchvision_does_not_have_is_refused(model, side, message):
    with pytest.raises(ValueError, match=message):
        TorchvisionBackbone(model, side)


def test_weights_of_another_network_are_refused():
    backbone = TorchvisionBackbone("resnet18", SIDE)
    _, state = reference("shufflenet_v2_x0_5")
    with pytest.raises(ValueError, match=r"conv1.weight should be \[64, 3, 7, 7\], is absent"):
        backbone.params_of(state)
