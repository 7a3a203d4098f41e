"""Class means are the same to the last bit alone, among other tasks, and in any order of the examples."""

import pytest
import torch

from models.heads import Head, prototypes
from models.support import Support

FEATURES = 640
SHOTS = ((3, 1, 2), (5, 3, 5, 7, 6, 1, 9), (1, 1), (3, 3, 3, 3, 3))  # of each class, of each task


def tasks() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Features ``[S, D]`` and labels ``[S]`` of each task; means of three are ties of rounding now and then."""
    generator = torch.Generator().manual_seed(0)
    labels = [torch.arange(len(shots)).repeat_interleave(torch.tensor(shots)) for shots in SHOTS]
    return [(torch.rand(len(of_task), FEATURES, generator=generator), of_task) for of_task in labels]


def padded(given: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, Support]:
    most = max(len(labels) for _, labels in given)
    features, labels = torch.zeros(len(given), most, FEATURES), torch.zeros(len(given), most, dtype=torch.int64)
    weights = torch.zeros(len(given), most)
    for task, (of_task, which) in enumerate(given):
        features[task, : len(which)], labels[task, : len(which)] = of_task, which
        weights[task, : len(which)] = 1
    ways = torch.tensor([int(which.max()) + 1 for _, which in given])
    return features, Support(torch.zeros(*labels.shape, 1, 1, 0), labels, weights, ways)


@torch.no_grad()
def test_alone_and_among_other_tasks():
    together = prototypes(*padded(tasks()))
    for task, one in enumerate(tasks()):
        (alone,) = prototypes(*padded([one]))
        assert torch.equal(together[task, : len(alone)], alone)


@torch.no_grad()
def test_in_any_order():
    for features, labels in tasks():
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
        given, turned = padded([(features, labels)]), padded([(features[order], labels[order])])
        assert torch.equal(prototypes(*given), prototypes(*turned))


@torch.no_grad()
@pytest.mark.parametrize("head", [Head("prototype"), Head("lda", pull=6.0, shrinkage_by_shots=False)])
def test_what_a_head_makes_of_them(head: Head):
    phi = head.initial(FEATURES, torch.Generator().manual_seed(2))
    if head.kind == "lda":
        phi = {name: torch.rand_like(value) for name, value in phi.items()}
    features, support = padded(tasks())
    together = head.start(phi, features, support)
    for task, one in enumerate(tasks()):
        features, support = padded([one])
        for name, alone in head.start(phi, features, support).items():
            assert torch.equal(together[name][task, : alone.shape[1]], alone[0])


def test_with_gradients_they_are_the_usual_means():
    features, support = padded(tasks())
    with torch.no_grad():
        exact = prototypes(features, support)
    trained = prototypes(features.requires_grad_(), support)
    torch.testing.assert_close(trained.detach(), exact, rtol=1e-6, atol=1e-7)
    (gradient,) = torch.autograd.grad(trained[0, 0].sum(), features)
    torch.testing.assert_close(gradient[0, :3], torch.full((3, FEATURES), 1 / 3))
