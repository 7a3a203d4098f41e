"""The head's gradient in closed form is autograd's, and can be differentiated as autograd's can."""

import pytest
import torch

from models.heads import classify, head_gradient
from models.inner_loop import support_loss
from models.support import Support

TASKS, EXAMPLES, FEATURES = 3, 7, 5


@pytest.fixture
def given():
    """Three tasks of 2 to 4 ways, the last two padded: their weights are 0 for what is no example."""
    made = torch.Generator().manual_seed(0)
    ways = torch.tensor([4, 2, 3])
    labels = torch.stack([torch.arange(EXAMPLES) % one for one in ways])
    weights = torch.ones(TASKS, EXAMPLES)
    weights[1, 4:] = weights[2, 6:] = 0
    support = Support(torch.zeros(TASKS, EXAMPLES, 0), labels, weights, ways)
    features = torch.randn(TASKS, EXAMPLES, FEATURES, generator=made).double().requires_grad_()
    head = {
        "weight": torch.randn(TASKS, 4, FEATURES, generator=made).double().requires_grad_(),
        "bias": torch.randn(TASKS, 4, generator=made).double().requires_grad_(),
    }
    return support, features, head


def both(support, features, head):
    mask, weights = support.class_mask(), support.balanced_weights().double()
    closed = head_gradient(head, features, mask, support.labels, weights)
    loss = support_loss(classify(head, features, mask), support.labels, weights).sum()
    found = torch.autograd.grad(loss, list(head.values()), create_graph=True)
    return closed, dict(zip(head, found, strict=True))


def test_it_is_the_gradient_of_the_support_loss(given):
    closed, found = both(*given)
    for name in ("weight", "bias"):
        torch.testing.assert_close(closed[name], found[name], rtol=1e-12, atol=1e-14)
        assert not closed[name][1, 2:].any(), "classes that a task lacks do not move"
        assert closed[name][0].abs().max() > 1e-3


def test_its_derivatives_are_those_of_the_gradient(given):
    support, features, head = given
    closed, found = both(support, features, head)
    inputs = [features, *head.values()]
    second = [
        torch.autograd.grad(sum(one.square().sum() for one in of.values()), inputs) for of in (closed, found)
    ]
    for mine, theirs in zip(*second, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-13)
