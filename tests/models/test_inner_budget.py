"""The number of inner steps that each task is given on its own held-out examples."""

from dataclasses import replace

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.inner_budget import _held_out, held_out_steps
from models.inner_rule import InnerRule
from models.learner import Learner
from models.support import Support

STEPS = 4


def learner(moves="head", head="shared", rate=0.5, normalisation="group"):
    """From a shared start every step helps: without one, all classes are alike."""
    backbone = Conv4(1, 16, 8, groups=4, normalisation=normalisation)
    return Learner(backbone, Head(head), InnerRule(moves, STEPS, "one", rate, budget="held-out"))


def images(labels, seed=0):
    """Of each class a pattern of its own, under a little noise."""
    generator = torch.Generator().manual_seed(seed)
    patterns = (torch.rand(10, 1, 16, 16, generator=generator) > 0.5).float()
    return patterns[labels] + 0.1 * torch.randn(len(labels), 1, 16, 16, generator=generator)


LABELS = torch.tensor([0] * 5 + [1] * 7 + [2] * 3 + [3] * 6)
SUPPORT = Support.of_task(images(LABELS), LABELS)


def adapted(of, support, phi=None, **options):
    phi = of.initial(seed=0) if phi is None else phi
    with torch.no_grad():
        return of.adapt(phi, support, **options)


def same(one, other, **tolerance):
    flat = other.tensors()
    assert one.tensors().keys() == flat.keys()
    for name, value in one.tensors().items():
        torch.testing.assert_close(value, flat[name], **tolerance)


@pytest.mark.parametrize("moves", ["head", "all"])
@pytest.mark.parametrize("normalisation", ["group", "support"])
def test_steps_that_help_are_taken(moves, normalisation):
    of = learner(moves, normalisation=normalisation)
    theta = adapted(of, SUPPORT)
    assert any(
        all(
            torch.allclose(value, adapted(of, SUPPORT, steps=steps).tensors()[name], atol=1e-5)
            for name, value in theta.tensors().items()
        )
        for steps in range(1, STEPS + 1)
    )


@pytest.mark.parametrize(("mended", "steps"), [(0, 0), (3, 0), (4, 1), (10, 1)])
def test_steps_are_taken_where_they_gain_over_two_standard_errors(mended, steps):
    """Of 10 examples, k that only a step tells right gain k / 10, give or take the root of k (10 - k) / 900."""
    labels = torch.arange(10) % 2
    support = Support.of_task(torch.zeros(10, 1, 1, 1), labels)

    def trajectory(parts, features):
        head = {"weight": torch.eye(2).expand(len(parts.ways), 2, 2), "bias": torch.zeros(len(parts.ways), 2)}
        for wrong in (mended, 0):
            told = torch.where(torch.arange(10) < wrong, 1 - labels, labels)
            yield head, torch.nn.functional.one_hot(told, 2).float().expand(len(parts.ways), 10, 2)

    assert held_out_steps(support, torch.randn(1, 10, 2), trajectory, given=True).tolist() == [steps]


@pytest.mark.parametrize("moves", ["head", "all"])
def test_steps_that_harm_are_not(moves):
    of = learner(moves, head="prototype", rate=1e4)
    start = adapted(of, SUPPORT, steps=0)
    theta = adapted(of, SUPPORT)
    torch.testing.assert_close(theta.head, start.head)
    torch.testing.assert_close(of.features(theta, SUPPORT.images), of.features(start, SUPPORT.images))


def test_a_class_of_one_example_leaves_nothing_to_hold_out():
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    support = Support.of_task(images(labels), labels)
    of = learner()
    same(adapted(of, support), adapted(of, support, steps=0))


def test_copies_of_one_image_are_held_out_apart():
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    support = Support.of_task(images(labels), labels)
    features = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(0))
    features[0, 1:3] = features[0, 0]
    held = _held_out(support, features)[0]
    assert held.sum(0).tolist() == [1] * 6
    assert held[:, :3].sum(1).tolist() == [1, 1, 1]


def test_what_is_asked_for_is_done():
    of = learner()
    fixed = replace(of, rule=replace(of.rule, budget="fixed"))
    same(adapted(of, SUPPORT, steps=3), adapted(fixed, SUPPORT, steps=3))


def test_meta_training_takes_all_steps():
    of = learner("head", head="prototype", rate=1e4)
    phi = {name: value.requires_grad_() for name, value in of.initial(seed=0).items()}
    every = of.adapt(phi, SUPPORT, steps=STEPS)
    same(of.adapt(phi, SUPPORT, second_order=True), every)
    same(of.adapt(phi, SUPPORT), every)


@pytest.mark.parametrize("moves", ["head", "all"])
def test_order_does_not_matter(moves):
    of = learner(moves)
    theta = adapted(of, SUPPORT)
    order = torch.randperm(21, generator=torch.Generator().manual_seed(1))
    shuffled = Support.of_task(SUPPORT.images[0, order], LABELS[order])
    same(adapted(of, shuffled), theta, rtol=1e-3, atol=1e-4)
    names = torch.tensor([2, 0, 3, 1])
    renamed = adapted(of, Support.of_task(SUPPORT.images[0], names[LABELS]))
    torch.testing.assert_close(renamed.head["weight"][:, names], theta.head["weight"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("moves", ["head", "all"])
def test_each_task_of_a_batch_chooses_for_itself(moves):
    of = learner(moves)
    wild = SUPPORT.images[0].clone()
    wild[:, :, :8] = torch.rand(21, 1, 8, 16, generator=torch.Generator().manual_seed(3))
    other = torch.tensor([0, 0, 1, 1, 0, 1, 1, 0])
    tasks = [SUPPORT, Support.of_task(images(other, seed=5), other), Support.of_task(wild, LABELS)]
    most = 21

    def padded(values, fill=0):
        return torch.cat([values, values.new_full((1, most - values.shape[1], *values.shape[2:]), fill)], 1)

    together = Support(
        images=torch.cat([padded(one.images) for one in tasks]),
        labels=torch.cat([padded(one.labels) for one in tasks]),
        weights=torch.cat([padded(one.weights) for one in tasks]),
        ways=torch.cat([one.ways for one in tasks]),
    )
    phi = of.initial(seed=0)
    for alone, one in zip(tasks, of.split(phi, adapted(of, together)), strict=True):
        single = adapted(of, alone)
        query = torch.rand(1, 5, 1, 16, 16, generator=torch.Generator().manual_seed(9))
        torch.testing.assert_close(of.predict(one, query), of.predict(single, query), rtol=1e-3, atol=1e-4)


def test_another_budget_is_refused():
    with pytest.raises(ValueError, match="fixed or held-out"):
        InnerRule("head", 1, budget="none")
