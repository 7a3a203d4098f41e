"""The heads' solvers against numpy, learn2learn's SVM and finite differences."""

import learn2learn
import numpy as np
import pytest
import torch

from models.heads import Head
from models.solvers.ridge import ridge
from models.solvers.support_vectors import _HALVINGS, _on_the_way, _onto_simplex, _solve, support_vectors
from models.support import Support

COST = 0.1


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)  # which learn2learn's SVM makes its constants of
    yield
    torch.set_default_dtype(torch.float32)


def examples(ways, shots, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(ways, 1, width, generator=generator)
    features = (centres + torch.randn(ways, shots, width, generator=generator)).flatten(0, 1)
    labels = torch.arange(ways).repeat_interleave(shots)
    return features, labels, torch.nn.functional.one_hot(labels, ways).double()


@pytest.mark.parametrize("width", [5, 40], ids=["fewer features", "fewer examples"])
def test_ridge_solves_the_normal_equations_of_weighted_examples(width):
    features, _, targets = examples(4, 3, width)
    importance = torch.linspace(0.2, 2, 12)
    found = ridge(features[None], targets[None], importance[None], torch.tensor(0.7))[0].T
    x, y, r = features.numpy(), targets.numpy(), np.diag(importance.numpy())
    expected = np.linalg.inv(x.T @ r @ x + 0.7 * np.eye(width)) @ x.T @ r @ y
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("scale", [1, 1000])
def test_ridge_of_like_examples_and_a_small_penalty_in_float32(scale):
    features, _, targets = (one[None] for one in examples(3, 4, 200))
    features = scale * torch.cat([features, features], 1).float()
    targets, importance = torch.cat([targets, targets], 1).float(), torch.ones(1, 24)
    penalty = torch.tensor(1e-4)
    found = ridge(features, targets, importance.float(), penalty.float())
    expected = ridge(features.double(), targets.double(), importance, penalty.double())
    assert found.dtype == torch.float32
    torch.testing.assert_close(
        found.double() @ features.double().mT, expected @ features.double().mT, rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("width", [3, 8])
def test_ridge_can_be_differentiated_twice(width):
    features, _, targets = examples(2, 2, width)
    importance, penalty = torch.rand(1, 4), torch.tensor(0.5, requires_grad=True)
    features = features[None].requires_grad_()
    assert torch.autograd.gradcheck(lambda x, p: ridge(x, targets[None], importance, p), (features, penalty))
    assert torch.autograd.gradgradcheck(lambda x, p: ridge(x, targets[None], importance, p), (features, penalty))


def svm(features, targets, costs=None):
    costs = features.new_full(features.shape[:1], COST) if costs is None else costs
    mask = torch.ones(1, targets.shape[1], dtype=torch.bool)
    return support_vectors(features[None], targets[None], costs[None], mask)[0]


@pytest.mark.parametrize(("ways", "shots", "width"), [(5, 1, 64), (5, 5, 64), (5, 5, 300), (2, 20, 64)])
def test_svm_equals_learn2learns(ways, shots, width):
    features, labels, targets = examples(ways, shots, width)
    ours, theirs = features.clone().requires_grad_(), features.clone().requires_grad_()
    queries = torch.randn(7, width, generator=torch.Generator().manual_seed(1))
    direction = torch.randn(7, ways, generator=torch.Generator().manual_seed(2))
    reference = learn2learn.nn.SVClassifier(max_iters=60)
    reference.fit_(theirs, labels, ways)
    expected, found = reference(queries), queries @ svm(ours, targets).T
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
    (expected * direction).sum().backward()
    (found * direction).sum().backward()
    # Theirs is that of an interior point; ours agrees with finite differences to more digits, as below.
    assert (ours.grad - theirs.grad).norm() < 3e-4 * theirs.grad.norm()


def test_the_heads_svm_has_the_cost_of_learn2learns():
    features, labels, _ = examples(5, 5, 8)  # so few features that examples are at their bounds
    head = Head("svm", initial_scale=1.0)
    support = Support.of_task(features[:, None, None], labels)
    phi = head.initial(8, torch.Generator().manual_seed(0))
    reference = learn2learn.nn.SVClassifier(max_iters=60)
    reference.fit_(features, labels, 5)
    queries = torch.randn(7, 8, generator=torch.Generator().manual_seed(1))
    found = queries @ head.start(phi, features[None], support)["weight"][0].T
    torch.testing.assert_close(found, reference(queries), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["ridge", "svm"])
def test_the_heads_weight_all_classes_equally_however_many_their_examples(kind):
    features, labels, targets = (one[None, 3:] for one in examples(2, 4, 3))  # one of the first class
    support = Support(features[..., None, None], labels, torch.ones(1, 5), torch.tensor([2]))
    head = Head(kind, initial_scale=1.0)
    start = head.start(head.initial(3, torch.Generator().manual_seed(0)), features, support)
    importance = torch.tensor([[2.5, *[2.5 / 4] * 4]])
    if kind == "ridge":
        expected = ridge(features, targets, importance, torch.tensor(1.0))
    else:
        expected = support_vectors(features, targets, COST * importance, support.class_mask())
    torch.testing.assert_close(start["weight"], expected)


def test_svm_gradient_equals_finite_differences_with_costs_of_their_own():
    features, _, targets = examples(3, 4, 20)
    costs = COST * torch.linspace(0.5, 1.5, 12)
    direction = torch.randn(3, 20, generator=torch.Generator().manual_seed(2))
    step = 1e-6 * torch.randn(12, 20, generator=torch.Generator().manual_seed(3))
    learned = features.clone().requires_grad_()
    (svm(learned, targets, costs) * direction).sum().backward()
    change = ((svm(features + step, targets, costs) - svm(features - step, targets, costs)) * direction).sum() / 2
    assert float((learned.grad * step).sum()) == pytest.approx(float(change), rel=1e-6)


@pytest.mark.parametrize("length", [1, 50])
def test_svm_of_features_in_single_precision_is_as_exact(length):
    features, _, targets = examples(20, 5, 256)
    features = (length * features).float()
    found = svm(features, targets.float())
    exact = svm(features.double(), targets)
    assert found.dtype == torch.float32
    torch.testing.assert_close(
        found.double() @ features.double().mT, exact @ features.double().mT, rtol=0, atol=1e-4
    )


def long_ones(counts, width, length, apart):
    generator = torch.Generator().manual_seed(0)
    centres = apart * torch.randn(len(counts), width, generator=generator)
    targets = torch.eye(len(counts)).repeat_interleave(torch.tensor(counts), 0)
    return length * (targets @ centres + torch.randn(sum(counts), width, generator=generator)), targets


def test_svm_of_many_long_examples_is_solved_to_the_end():
    """By the conditions of an optimum (Crammer and Singer 2001), of alphas told by the weights."""
    generator = torch.Generator().manual_seed(0)
    centres = 0.5 * torch.randn(5, 1, 128, generator=generator)
    features = 3 * (centres + torch.randn(5, 20, 128, generator=generator)).relu().flatten(0, 1)
    targets = torch.eye(5).repeat_interleave(20, 0)
    alpha = torch.linalg.solve(features @ features.T, features @ svm(features, targets).T)
    assert 100 < check_optimum(features, targets, alpha) < 400  # some are at a bound, and some are not


@pytest.mark.parametrize(("counts", "width"), [((20, 20), 8), ((3, 50), 8), ((20, 20, 20, 20, 20), 32)])
def test_svm_of_classes_that_overlap_in_few_long_features_is_solved_to_the_end(counts, width):
    features, targets = long_ones(counts, width, length=10, apart=0.2)
    alpha, free = dual(features, targets)
    assert check_optimum(features, targets, alpha, within=1e-5) == int(free.sum())
    weight = svm(features.float(), targets.float())
    torch.testing.assert_close(weight.double(), alpha.T @ features, rtol=1e-3, atol=1e-3)


def test_svm_that_is_not_solved_in_time_stays_within_its_bounds(monkeypatch):
    features, targets = long_ones((20, 20), 8, length=1000, apart=0.2)
    monkeypatch.setattr("models.solvers.support_vectors._ROUNDS", 2)
    alpha, free = dual(features, targets)
    assert float((alpha - COST * targets).max()) < 1e-12
    assert float(alpha.sum(1).abs().max()) < 1e-12
    assert torch.equal(free, alpha < COST * targets - 1e-12)
    learned = features.clone().requires_grad_()
    weight = svm(learned, targets)
    torch.testing.assert_close(weight, alpha.T @ features)
    weight.square().sum().backward()
    assert learned.grad.isfinite().all()


def test_of_the_way_beyond_the_bounds_each_task_takes_the_best_point():
    """All of a short way towards the optimum, little of one that is far too long, nothing of one away from it."""
    features, targets = long_ones((4, 4), 4, length=3, apart=0.2)
    kernel, mask = features @ features.T + torch.eye(8), torch.ones(5, 2, dtype=torch.bool)
    costs, feasible = torch.full((5, 8), COST), torch.full((5, 8, 2), COST / 2)
    optimum = COST * targets - dual(features, targets)[0]
    ways = torch.tensor([-1, 0.5, 1, 3, 30])[:, None, None] * (optimum - feasible)

    def energies(beta):
        alpha = COST * targets - beta
        return (alpha * (kernel @ alpha / 2 - targets)).sum((1, 2))

    points = [_onto_simplex(feasible + ways / 2**times, costs, mask) for times in range(_HALVINGS)]
    of_each = torch.stack([*map(energies, points), energies(feasible)])
    found = _on_the_way(feasible, feasible + ways, kernel, targets, costs, mask)
    torch.testing.assert_close(energies(found), of_each.amin(0))
    assert of_each.argmin(0)[[0, 1, 2]].tolist() == [_HALVINGS, 0, 0]
    assert 0 < of_each.argmin(0)[4] < _HALVINGS


def dual(features, targets):
    """Alpha, and which are not at a bound, each ``[S, N]``."""
    costs, mask = torch.full((1, len(features)), COST), torch.ones(1, targets.shape[1], dtype=torch.bool)
    kernel = features @ features.T + torch.eye(len(features))
    alpha, free = _solve(kernel[None], targets[None], costs, mask)
    return alpha[0], free[0]


def check_optimum(features, targets, alpha, within=1e-6):
    """Assert that these are the alphas of an optimum; return how many are not at a bound."""
    room = COST * targets - alpha
    assert float(alpha.sum(1).abs().max()) < 1e-9
    assert float(room.min()) > -1e-8
    scores = features @ features.T @ alpha + alpha - targets
    free = room > 1e-7
    highest = scores.masked_fill(~free, -torch.inf).amax(1, keepdim=True)
    lowest = scores.masked_fill(~free, torch.inf).amin(1, keepdim=True)
    assert float((highest - lowest).max()) < within
    assert float((scores - highest).max()) < within
    return int(free.sum())


def test_one_example_repeated_is_no_trouble():
    features = torch.ones(4, 6, requires_grad=True)
    weight = svm(features, torch.nn.functional.one_hot(torch.tensor([0, 0, 1, 1])).double())
    weight.sum().backward()
    assert features.grad.isfinite().all()
    assert weight.abs().max() < 1e-9


def test_what_is_solved_up_to_rounding_stays_so():
    """Of 100 tasks, each with padding and by itself: rounding differs, and must not grow."""
    generator = torch.Generator().manual_seed(0)
    features = 0.5 * torch.randn(100, 6, 36, generator=generator).relu()
    targets = torch.eye(3).repeat_interleave(2, 0).expand(100, -1, -1)
    costs, mask = torch.full((100, 6), 0.1), torch.ones(100, 3, dtype=torch.bool)
    pad = torch.nn.functional.pad
    padded = support_vectors(
        pad(features, (0, 0, 0, 4)), pad(targets, (0, 2, 0, 4)), pad(costs, (0, 4)), pad(mask, (0, 2))
    )
    for task in range(100):
        one = slice(task, task + 1)
        alone = support_vectors(features[one], targets[one], costs[one], mask[one])
        torch.testing.assert_close(padded[one, :3], alone, rtol=1e-10, atol=1e-10)
