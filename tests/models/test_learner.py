"""The learner's rules: answers depend on the support set and the query alone."""

import itertools
from dataclasses import replace
from typing import get_args

import pytest
import torch

from models import class_scatter
from models.backbones.conv4 import Conv4
from models.backbones.stage import Stage
from models.backbones.staged import Staged
from models.backbones.torchvision_backbone import TorchvisionBackbone
from models.heads import Head, prototypes
from models.inner_rule import InnerRule, Rates
from models.learner import BODY, Learner, Theta, part
from models.support import Support

SIDE = 16
LEARNERS = [
    pytest.param(halving, normalisation, head, moves, id="-".join((halving, normalisation, head, moves)))
    for halving, normalisation, head, moves in itertools.product(
        ["pool", "stride", "views", "stages"],
        ["group", "support", "running"],
        ["prototype", "lda", "shared", "ridge", "svm"],
        ["all", "head", "body", "nothing"],
    )
] + [
    pytest.param("torchvision", "running", "prototype", moves, id=f"torchvision-{moves}")
    for moves in ["all", "head", "nothing"]
]


def build(halving, normalisation, head, moves):
    rule = InnerRule(moves, 0 if moves == "nothing" else 2, "layer-step", 0.1)
    if halving == "stages":
        stages = (
            Stage(4, 1, 3, "stride", False, 2),
            Stage(8, 2, 3, "stride", True, 4),
            Stage(8, 2, 5, "pool", True, 2),
        )
        return drawn(Learner(Staged(1, SIDE, stages, normalisation, unit=True), Head(head, 8.0), rule))
    if halving == "torchvision":
        return warmed(*drawn(Learner(TorchvisionBackbone("shufflenet_v2_x0_5", 16, unit=True), Head(head), rule)))
    # "views" is pooling with features averaged over two views of each image.
    views = ((10.0, 0.1, 0.1), (-10.0, -0.1, 0.0)) if halving == "views" else ()
    backbone = Conv4(1, SIDE, 8, "pool" if views else halving, normalisation, 4, unit=bool(views), views=views)
    return drawn(Learner(backbone, Head(head), rule))


def drawn(learner):
    phi = {name: value.double() for name, value in learner.initial(seed=1).items()}
    if learner.head.kind == "lda":
        features = torch.randn(60, learner.backbone.features, generator=torch.Generator().manual_seed(2))
        uneven = features * torch.linspace(0.1, 3, features.shape[1])
        scatter = class_scatter.of_classes(uneven, torch.arange(60) % 5)
        phi |= {f"head.{name}": value.double() for name, value in scatter.items()}
    return learner, phi


def warmed(learner, phi):
    """With the constants of some images: from none, so many layers would make all features alike."""
    body = part(phi, BODY)
    _, moments = learner.backbone(body, queries(20).expand(-1, -1, 3, -1, -1), pooled=True)
    sizes = learner.backbone.normalised
    found = dict(zip(sizes, moments[:, 0].split(list(sizes.values()), -1), strict=True))
    return learner, phi | {f"{BODY}{name}": value for name, value in found.items()}


def task(ways, shots, seed):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor([label for label in range(ways) for _ in range(shots[label % len(shots)])])
    images = torch.rand(len(labels), 1, SIDE, SIDE, generator=generator, dtype=torch.float64)
    return images, labels


def padded(tasks):
    most = max(len(labels) for _, labels in tasks)
    images = torch.full((len(tasks), most, 1, SIDE, SIDE), 7.0, dtype=torch.float64)
    labels = torch.zeros(len(tasks), most, dtype=torch.int64)
    weights = torch.zeros(len(tasks), most, dtype=torch.float64)
    for row, (task_images, task_labels) in enumerate(tasks):
        images[row, : len(task_labels)] = task_images
        labels[row, : len(task_labels)] = task_labels
        weights[row, : len(task_labels)] = 1
    ways = torch.tensor([int(task_labels.max()) + 1 for _, task_labels in tasks])
    return Support(images, labels, weights, ways)


def queries(count, seed=9):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, count, 1, SIDE, SIDE, generator=generator, dtype=torch.float64)


def for_channels(learner, images):
    return images.expand(-1, -1, learner.backbone.channels, -1, -1)


def adapted(learner, phi, support):
    with torch.no_grad():
        return learner.adapt(phi, replace(support, images=for_channels(learner, support.images)))


def predicted(learner, theta, query):
    with torch.no_grad():
        return learner.predict(theta, for_channels(learner, query))


def answer(learner, phi, support, query):
    return predicted(learner, adapted(learner, phi, support), query)


@pytest.mark.parametrize(("halving", "normalisation", "head", "moves"), LEARNERS)
def test_a_query_does_not_depend_on_its_batch_mates_and_phi_stays(halving, normalisation, head, moves):
    learner, phi = build(halving, normalisation, head, moves)
    before = {name: value.clone() for name, value in phi.items()}
    support = Support.of_task(*task(3, [2], seed=2))
    theta = adapted(learner, phi, support)
    together = predicted(learner, theta, queries(5))
    alone = torch.cat([predicted(learner, theta, one) for one in queries(5).split(1, 1)], 1)
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-10)
    answer(learner, phi, Support.of_task(*task(5, [1], seed=8)), queries(2))
    assert torch.equal(answer(learner, phi, support, queries(5)), together), "a second call repeats the first"
    assert all(torch.equal(phi[name], before[name]) for name in phi)


@pytest.mark.parametrize(("halving", "normalisation", "head", "moves"), LEARNERS)
def test_tasks_do_not_depend_on_each_other_nor_on_padding_nor_on_order(halving, normalisation, head, moves):
    learner, phi = build(halving, normalisation, head, moves)
    tasks = [task(2, [1], 3), task(5, [3, 1], 4)]
    new_place, (images, labels) = torch.tensor([3, 0, 4, 2, 1]), tasks[1]
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    tasks.append((images[order], new_place[labels][order]))
    query = queries(4)
    together = answer(learner, phi, padded(tasks), query.expand(len(tasks), -1, -1, -1, -1))
    for row, (images, labels) in enumerate(tasks[:2]):
        alone = answer(learner, phi, Support.of_task(images, labels), query)
        ways = alone.shape[-1]
        torch.testing.assert_close(together[row, :, :ways], alone[0], rtol=1e-9, atol=1e-9)
        assert (together[row, :, ways:] == torch.finfo(torch.float64).min).all()
    torch.testing.assert_close(together[2][:, new_place], together[1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("moves", ["all", "head"])
def test_adapting_lowers_the_support_loss(moves):
    learner, phi = build("pool", "group", "prototype", moves)
    phi = {n: torch.full_like(v, 0.01) if n.startswith("rates") else v for n, v in phi.items()}
    images, labels = task(3, [4], seed=2)
    support = Support.of_task(images, labels)
    losses = []
    for steps in (0, 5, 20):
        with torch.no_grad():
            logits = learner.predict(learner.adapt(phi, support, steps=steps), images[None])
        losses.append(float(torch.nn.functional.cross_entropy(logits[0], labels)))
    assert losses[0] > losses[1] > losses[2]


def test_training_and_request_time_give_the_same_theta():
    learner, phi = build("pool", "group", "prototype", "all")
    phi = {name: value.float() for name, value in phi.items()}
    images, labels = task(5, [1], seed=2)
    support = Support.of_task(images.float(), labels)
    learned = {name: value.clone().requires_grad_() for name, value in phi.items()}
    unrolled = learner.adapt(learned, support, second_order=True).tensors()
    for phi_served in (phi, learned):  # the service's, and the trainer's own at its validation looks
        with torch.no_grad():
            served = learner.adapt(phi_served, support).tensors()
        for name, value in unrolled.items():
            assert not served[name].requires_grad
            torch.testing.assert_close(served[name], value, rtol=1e-5, atol=1e-5)


def test_prototype_head_orders_classes_by_squared_distance():
    learner, phi = build("pool", "group", "prototype", "nothing")
    support = Support.of_task(*task(4, [2], seed=2))
    with torch.no_grad():
        theta = learner.adapt(phi, support)
        features = learner.features(theta, queries(6))
        logits = learner.logits(theta, features)
        centres = prototypes(learner.features(theta, support.images), support)
    distances = torch.cdist(features, centres).square()
    scale = phi["head.log_scale"].exp()
    torch.testing.assert_close(logits - logits[..., :1], -scale * (distances - distances[..., :1]))


def test_balanced_weights_give_each_class_the_same_share():
    weights = padded([task(2, [1, 9], 0), task(3, [2], 1)]).balanced_weights()
    torch.testing.assert_close(weights.sum(1), torch.ones(2, dtype=torch.float64))
    assert weights[0, 0] == pytest.approx(0.5)
    assert weights[0, 1] == pytest.approx(0.5 / 9)
    assert (weights[1, 6:] == 0).all()


def test_an_inner_step_can_be_stopped():
    class Stop(Exception):
        pass

    def stop(step):
        if step == 1:
            raise Stop

    learner, phi = build("pool", "group", "prototype", "all")
    with pytest.raises(Stop):
        learner.adapt(phi, Support.of_task(*task(3, [1], 0)), on_step=stop)


@pytest.mark.parametrize("rates", get_args(Rates))
def test_rates_that_start_at_a_whole_number_can_be_learned(rates):
    learner = Learner(Conv4(1, SIDE, 8, groups=4), Head("prototype"), InnerRule("all", 1, rates, 1))
    assert {value.dtype for value in learner.initial(seed=0).values()} == {torch.float32}


def test_theta_survives_its_flat_form():
    learner, phi = build("pool", "support", "prototype", "all")
    with torch.no_grad():
        theta = learner.adapt(phi, Support.of_task(*task(3, [1], 0)))
        again = Theta.from_tensors(theta.tensors())
        assert torch.equal(learner.predict(again, queries(2)), learner.predict(theta, queries(2)))


def test_split_tasks_are_what_each_is_alone():
    for halving, moves in (("pool", "all"), ("views", "head")):
        learner, phi = build(halving, "support", "prototype", moves)
        tasks = [task(2, [1], 3), task(5, [3, 1], 4)]
        with torch.no_grad():
            parted = learner.split(phi, learner.adapt(phi, padded(tasks)))
            for theta, (images, labels) in zip(parted, tasks, strict=True):
                alone = learner.adapt(phi, Support.of_task(images, labels)).tensors()
                assert alone.keys() == theta.tensors().keys()
                for name, value in theta.tensors().items():
                    torch.testing.assert_close(value, alone[name], rtol=1e-9, atol=1e-9)


def test_a_task_of_one_class_is_refused():
    with pytest.raises(ValueError, match="at least two classes"):
        Support.of_task(torch.rand(2, 1, SIDE, SIDE), torch.tensor([0, 0]))
    with pytest.raises(ValueError, match="at least two classes"):
        Support.of_task(torch.rand(2, 1, SIDE, SIDE), torch.tensor([0, 2]))


@pytest.mark.parametrize(("normalisation", "moves"), [("group", "all"), ("support", "head")])
def test_features_are_refused_where_adaptation_computes_its_own(normalisation, moves):
    learner, phi = build("pool", normalisation, "prototype", moves)
    support = Support.of_task(*task(3, [2], seed=2))
    features = torch.zeros(1, 6, learner.backbone.features, dtype=torch.float64)
    with pytest.raises(ValueError, match="takes none"):
        learner.adapt(phi, support, features=features)
    with pytest.raises(ValueError, match="takes none"):
        next(learner.path(phi, support, features=features))
    with pytest.raises(ValueError, match="depend on the task"):
        learner.embed(phi, support.images)


@pytest.mark.parametrize("head", ["shared", "prototype"])
@pytest.mark.parametrize("normalisation", ["group", "support", "running"])
def test_every_step_of_the_path_can_answer(head, normalisation):
    learner, phi = build("pool", normalisation, head, "all")
    support = Support.of_task(*task(3, [2], seed=2))
    query = task(3, [1], seed=5)[0][None]
    with torch.no_grad():
        for step, theta in enumerate(learner.path(phi, support)):
            wanted = learner.predict(learner.adapt(phi, support, steps=step), query)
            torch.testing.assert_close(learner.predict(theta, query), wanted)
            assert wanted.shape == (1, 3, 3)


@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        (InnerRule("nothing", 0), 1),
        (InnerRule("head", 5), 1),
        (InnerRule("head", 5, budget="held-out"), 1),
        (InnerRule("all", 2), 1 + 2 * 3 + 1),
        (InnerRule("body", 5), 1 + 5 * 3 + 1),
        # One deals the folds; in each of three, a start, 5 steps, and after 0 to 5 a pass over what is held out.
        (InnerRule("all", 5, budget="held-out"), 1 + 5 * 3 + 1 + 1 + 3 * (1 + 5 * 3 + 6)),
    ],
)
def test_operations_of_an_adaptation_are_those_of_its_passes_through_the_network(rule, passes):
    backbone = Conv4(1, 28, 8)
    assert Learner(backbone, Head("prototype"), rule).operations(7) == passes * 7 * backbone.operations
