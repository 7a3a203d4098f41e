"""Products of rows: right, and the same whatever other rows are multiplied along."""

import pytest
import torch

from models.class_scatter import even, seen
from models.confidence import familiarity
from models.heads import classify
from models.kernels import row_products as module
from models.kernels.native import row_products as native
from models.kernels.native.compiled import library
from models.kernels.row_products import row_products

compiled = pytest.mark.skipif(library() is None, reason="no C compiler here")


@pytest.fixture(params=[pytest.param(True, marks=compiled, id="in C"), pytest.param(False, id="by torch")])
def routine(request, monkeypatch):
    """Either routine that computes row by row."""
    if not request.param:
        monkeypatch.setattr(module, "library", lambda: None)


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.usefixtures("routine")
@pytest.mark.parametrize(
    "shape", [(8, 3, 64), (1, 1, 1), (5, 7, 33), (9, 6, 15), (3, 2, 160), (600, 40, 100), (0, 3, 8)]
)
@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_equals_torch(shape, leading):
    queries, classes, depth = shape
    rows, others = random(*leading, queries, depth), random(*leading, classes, depth)
    expected = (rows.double() @ others.double().transpose(-1, -2)).float()
    torch.testing.assert_close(row_products(rows, others), expected, atol=1e-4, rtol=1e-5)
    shared = random(classes, depth)
    expected = (rows.double() @ shared.double().T).float()
    torch.testing.assert_close(row_products(rows, shared), expected, atol=1e-4, rtol=1e-5)
    of_one = rows.reshape(-1, depth)[:queries]
    assert row_products(of_one, others).shape == (*leading, queries, classes)


@pytest.mark.usefixtures("routine")
@pytest.mark.parametrize("depth", [24, 64, 100, 128, 640])
@pytest.mark.parametrize("classes", [1, 2, 3, 5, 8, 64])
def test_a_product_does_not_depend_on_other_rows(depth, classes):
    features, means = random(37, depth), random(classes, depth)
    for rows, others in ((features, means), (features[None], means[None])):
        together = row_products(rows, others)
        for first, count in ((0, 1), (3, 8), (30, 7), (5, 32)):
            some = slice(first, first + count)
            assert torch.equal(row_products(rows[..., some, :], others), together[..., some, :])


@pytest.mark.usefixtures("routine")
@pytest.mark.parametrize("depth", [24, 64, 640])
def test_nor_on_other_tasks(depth):
    rows, shared, others = random(5, 7, depth), random(64, depth), random(5, 6, depth)
    for given in (shared, others):
        together = row_products(rows, given)
        for task in range(5):
            alone = row_products(rows[task : task + 1, :3], given if given is shared else given[task : task + 1])
            assert torch.equal(alone[0], together[task, :3])


@pytest.mark.usefixtures("routine")
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_nor_do_logits_and_familiarity(classes):
    depth = 64
    head = {"weight": random(1, classes, depth), "bias": random(1, classes)}
    scatter, means, strangers = even(depth), random(classes, depth), random(7, depth)
    mask = torch.ones(1, classes, dtype=torch.bool)

    def told(features):
        mapped = seen(scatter, features, 8.0)
        return torch.cat(
            [classify(head, features[None], mask, alone=True)[0], familiarity(mapped, means, strangers)[:, None]],
            1,
        )

    features = random(40, depth)
    with torch.no_grad():
        together = told(features)
        for place in range(40):
            for rows in (1, 8):
                alone = torch.zeros(rows, depth)
                alone[place % rows] = features[place]
                assert torch.equal(told(alone)[place % rows], together[place]), (place, rows)


def test_gradients_pass_through():
    rows, others = random(2, 5, 24).requires_grad_(), random(2, 3, 24).requires_grad_()
    row_products(rows, others).square().sum().backward()
    again = [one.detach().clone().requires_grad_() for one in (rows, others)]
    (again[0] @ again[1].transpose(1, 2)).square().sum().backward()
    assert torch.equal(rows.grad, again[0].grad)
    assert torch.equal(others.grad, again[1].grad)


@compiled
def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"rows \[1, 2, 3\] cannot be multiplied by \[1, 2, 4\]"):
        native.row_products(random(1, 2, 3), random(1, 2, 4))
    with pytest.raises(ValueError, match="cannot be multiplied"):
        native.row_products(random(2, 2, 3), random(1, 2, 3))


def test_other_numbers_than_the_products_in_c_take_are_left_to_torch():
    rows, others = random(2, 5, 24).double(), random(2, 3, 24).double()
    assert torch.equal(row_products(rows, others), rows @ others.transpose(1, 2))
