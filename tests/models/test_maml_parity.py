"""Our outer gradient for MAML equals learn2learn's on the same arrays, in double precision."""

import learn2learn
import pytest
import torch
from torch import nn

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.inner_rule import InnerRule
from models.learner import Learner
from models.support import Support

WAYS, SHOTS, QUERIES, TASKS, RATE = 3, 2, 3, 2, 0.3
WIDTH, GROUPS, SIDE = 6, 2, 16


class Reference(nn.Module):
    """The same network in torch's own modules; its linear head's rows start from one shared vector."""

    def __init__(self, phi, halving):
        super().__init__()
        blocks = []
        for block in range(1, 5):
            weight = phi[f"body.block{block}.convolution"]
            convolution = nn.Conv2d(
                weight.shape[1], WIDTH, 3, stride=2 if halving == "stride" else 1, padding=1, bias=False
            )
            normalisation = nn.GroupNorm(GROUPS, WIDTH)
            convolution.weight.data = weight.clone()
            normalisation.weight.data = phi[f"body.block{block}.scale"].clone()
            normalisation.bias.data = phi[f"body.block{block}.shift"].clone()
            blocks += [convolution, normalisation, nn.ReLU()]
            if halving == "pool":
                blocks.append(nn.MaxPool2d(2))
        self.body = nn.Sequential(*blocks)
        self.halving = halving
        self.head = nn.Linear(WIDTH, WAYS)
        self.head.weight.data = phi["head.vector"].expand(WAYS, -1).clone()
        self.head.bias.data = phi["head.bias"].expand(WAYS).clone()

    def forward(self, images):
        maps = self.body(images)
        return self.head(maps.flatten(1) if self.halving == "pool" else maps.mean((2, 3)))


def arrays():
    generator = torch.Generator().manual_seed(3)
    support = torch.rand(TASKS, WAYS * SHOTS, 1, SIDE, SIDE, generator=generator, dtype=torch.float64)
    query = torch.rand(TASKS, WAYS * QUERIES, 1, SIDE, SIDE, generator=generator, dtype=torch.float64)
    support_labels = torch.arange(WAYS).repeat_interleave(SHOTS).expand(TASKS, -1)
    query_labels = torch.arange(WAYS).repeat_interleave(QUERIES).expand(TASKS, -1)
    return support, support_labels, query, query_labels


def ours(learner, phi, second_order):
    support, support_labels, query, query_labels = arrays()
    phi = {name: value.clone().requires_grad_() for name, value in phi.items()}
    weights = torch.ones(support_labels.shape, dtype=torch.float64)
    batch = Support(support, support_labels, weights, torch.full((TASKS,), WAYS))
    theta = learner.adapt(phi, batch, second_order=second_order)
    logits = learner.predict(theta, query)
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), query_labels.flatten())
    loss.backward()
    return loss.item(), {name: value.grad for name, value in phi.items() if not name.startswith("rates")}


def learn2learns(reference, steps, first_order):
    support, support_labels, query, query_labels = arrays()
    maml = learn2learn.algorithms.MAML(reference, lr=RATE, first_order=first_order)
    total = 0.0
    for task in range(TASKS):
        clone = maml.clone()
        for _ in range(steps):
            clone.adapt(nn.functional.cross_entropy(clone(support[task]), support_labels[task]))
        total = total + nn.functional.cross_entropy(clone(query[task]), query_labels[task]) / TASKS
    total.backward()
    gradients = {}
    for block in range(4):
        stride = 4 if reference.halving == "pool" else 3
        convolution, normalisation = reference.body[stride * block], reference.body[stride * block + 1]
        gradients[f"body.block{block + 1}.convolution"] = convolution.weight.grad
        gradients[f"body.block{block + 1}.scale"] = normalisation.weight.grad
        gradients[f"body.block{block + 1}.shift"] = normalisation.bias.grad
    gradients["head.vector"] = reference.head.weight.grad.sum(0)
    gradients["head.bias"] = reference.head.bias.grad.sum()
    return total.item(), gradients


@pytest.mark.parametrize("halving", ["pool", "stride"])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("second_order", [True, False])
def test_outer_gradient_equals_learn2learns(halving, steps, second_order):
    backbone = Conv4(1, SIDE, WIDTH, halving, "group", GROUPS)
    learner = Learner(backbone, Head("shared"), InnerRule("all", steps, "one", RATE))
    phi = {name: value.double() for name, value in learner.initial(seed=5).items()}
    phi["rates.rate"] = torch.tensor(RATE, dtype=torch.float64)
    our_loss, our_gradients = ours(learner, phi, second_order)
    their_loss, their_gradients = learn2learns(
        Reference(phi, halving).double(), steps, first_order=not second_order
    )
    assert our_loss == pytest.approx(their_loss, rel=1e-10)
    assert set(our_gradients) == set(their_gradients)
    for name, theirs in their_gradients.items():
        if name in ("head.vector", "head.bias"):
            # What all classes share shifts all logits alike: the softmax does not see it.
            assert our_gradients[name].abs().max() < 1e-12
            assert theirs.abs().max() < 1e-12
            continue
        assert theirs.abs().max() > 1e-6, name
        error = (our_gradients[name] - theirs).norm() / theirs.norm()
        assert error < 1e-8, (name, float(error))


def test_second_order_differs_from_first_order():
    backbone = Conv4(1, SIDE, WIDTH, "pool", "group", GROUPS)
    learner = Learner(backbone, Head("shared"), InnerRule("all", 1, "one", RATE))
    phi = {name: value.double() for name, value in learner.initial(seed=5).items()}
    _, second = ours(learner, phi, True)
    _, first = ours(learner, phi, False)
    name = "body.block1.convolution"
    assert (second[name] - first[name]).norm() / second[name].norm() > 1e-3
