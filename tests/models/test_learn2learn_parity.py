"""ANIL, Meta-SGD, Meta-Curvature and ProtoNet against learn2learn's, on the same arrays in double precision."""

import learn2learn
import pytest
import torch
from learn2learn.optim.transforms import MetaCurvatureTransform
from torch import nn

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.inner_rule import InnerRule
from models.learner import Learner
from models.support import Support
from tests.models.test_maml_parity import GROUPS, QUERIES, RATE, SIDE, TASKS, WAYS, WIDTH, Reference, arrays

STEPS = 2
PARAMETERS = [f"body.block{block}.{part}" for block in range(1, 5) for part in ("convolution", "scale", "shift")]
PARAMETERS += ["head.weight", "head.bias"]  # in the order of the reference's


def composed(head, rule):
    """Our learner, and a phi in which nothing is what it was initially."""
    learner = Learner(Conv4(1, SIDE, WIDTH, "pool", "group", GROUPS), Head(head), rule)
    generator = torch.Generator().manual_seed(7)
    phi = {
        name: value.double() + 0.1 * torch.rand(value.shape, generator=generator, dtype=torch.float64)
        for name, value in learner.initial(seed=5).items()
    }
    return learner, phi


def ours(learner, phi):
    support, support_labels, query, query_labels = arrays()
    phi = {name: value.clone().requires_grad_() for name, value in phi.items()}
    weights = torch.ones(support_labels.shape, dtype=torch.float64)
    theta = learner.adapt(
        phi, Support(support, support_labels, weights, torch.full((TASKS,), WAYS)), second_order=True
    )
    logits = learner.predict(theta, query)
    nn.functional.cross_entropy(logits.flatten(0, 1), query_labels.flatten()).backward()
    return {name: value.grad for name, value in phi.items()}


def theirs(meta, features=lambda images: images):
    """Run a meta-learner of learn2learn's over the tasks; its gradients are left in its parameters."""
    support, support_labels, query, query_labels = arrays()
    for task in range(TASKS):
        clone = meta.clone()
        for _ in range(STEPS):
            clone.adapt(nn.functional.cross_entropy(clone(features(support[task])), support_labels[task]))
        (nn.functional.cross_entropy(clone(features(query[task])), query_labels[task]) / TASKS).backward()


def check(found, expected):
    for name, value in expected.items():
        assert value.abs().max() > 1e-9, name
        assert (found[name] - value).norm() < 1e-8 * value.norm(), name


def body_gradients(reference):
    parameters = dict(zip(PARAMETERS, reference.parameters(), strict=True))
    return {name: value.grad for name, value in parameters.items() if name.startswith("body")}


def test_anil():
    learner, phi = composed("shared", InnerRule("head", STEPS, "one", RATE))
    reference = Reference(phi, "pool").double()
    maml = learn2learn.algorithms.MAML(reference.head, lr=float(phi["rates.rate"]))
    theirs(maml, lambda images: reference.body(images).flatten(1))
    check(ours(learner, phi), body_gradients(reference))


def test_meta_sgd():
    learner, phi = composed("shared", InnerRule("all", STEPS, "parameter", RATE))
    reference = Reference(phi, "pool").double()
    shapes = [value.shape for value in reference.parameters()]
    rates = [phi[f"rates.{name}"].expand(shape).clone() for name, shape in zip(PARAMETERS, shapes, strict=True)]
    lrs = nn.ParameterList([nn.Parameter(rate) for rate in rates])
    theirs(learn2learn.algorithms.MetaSGD(reference, lrs=lrs))
    expected = body_gradients(reference)
    for name, rate in zip(PARAMETERS, lrs, strict=True):
        of_class = phi[f"rates.{name}"].shape  # all classes of a head share theirs
        expected[f"rates.{name}"] = rate.grad.sum_to_size(of_class)
    check(ours(learner, phi), expected)


def test_meta_curvature():
    learner, phi = composed("shared", InnerRule("all", STEPS, "curvature", RATE))
    reference = Reference(phi, "pool").double()
    rate = float(phi["rates.rate"])
    gbml = learn2learn.algorithms.GBML(reference, transform=MetaCurvatureTransform, lr=rate).double()
    transforms = dict(zip(PARAMETERS, gbml.compute_update.transforms_modules, strict=True))
    counterparts = {}  # ours by name: their matrix, and whether it is ours transposed
    for name, transform in transforms.items():
        if transform.dim == 4:
            counterparts[f"rates.{name}.out"] = transform.mc_in, False
            counterparts[f"rates.{name}.in"] = transform.mc_out, True
            counterparts[f"rates.{name}.kernel"] = transform.mc_f, False
        elif transform.dim == 2:  # their matrix over classes stays the identity, which ours is without one
            counterparts[f"rates.{name}.in"] = transform.mc_out, True
        else:
            counterparts[f"rates.{name}.scale"] = transform.mc, False
    for name, (matrix, transposed) in counterparts.items():
        matrix.data = (phi[name].T if transposed else phi[name].expand(matrix.shape)).clone()
    theirs(gbml)
    expected = body_gradients(reference)
    for name, (matrix, transposed) in counterparts.items():
        expected[name] = matrix.grad.T if transposed else matrix.grad.sum_to_size(phi[name].shape)
    check(ours(learner, phi), expected)


def test_protonet():
    learner, phi = composed("prototype", InnerRule("nothing", 0))
    phi["head.log_scale"] = torch.zeros((), dtype=torch.float64)
    reference = Reference(
        phi | {"head.vector": torch.zeros(WIDTH), "head.bias": torch.zeros(())}, "pool"
    ).double()
    support, support_labels, query, query_labels = arrays()
    for task in range(TASKS):
        classifier = learn2learn.nn.PrototypicalClassifier()
        classifier.fit_(reference.body(support[task]).flatten(1), support_labels[task])
        logits = classifier(reference.body(query[task]).flatten(1))
        assert logits.shape == (WAYS * QUERIES, WAYS)
        (nn.functional.cross_entropy(logits, query_labels[task]) / TASKS).backward()
    check(ours(learner, phi), body_gradients(reference))


@pytest.mark.parametrize("moves", ["body", "all"])
def test_the_head_stays_where_only_the_body_moves(moves):
    learner, phi = composed("prototype", InnerRule(moves, STEPS, "one", RATE))
    support, labels, _, _ = arrays()
    task = Support.of_task(support[0], labels[0])
    with torch.no_grad():
        before, after = learner.adapt(phi, task, steps=0), learner.adapt(phi, task)
    assert torch.equal(before.head["weight"], after.head["weight"]) == (moves == "body")
    assert not torch.equal(before.body["block1.convolution"][None], after.body["block1.convolution"])
