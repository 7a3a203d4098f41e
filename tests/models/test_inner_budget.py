"""The number of inner steps that each task is given on its own held-out examples."""

from dataclasses import replace

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.inner_budget import held_out_steps
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
    places = torch.arange(10)
    assert chosen(places % 2, places < mended, places < 0) == steps


def test_of_ragged_shots_it_is_the_error_of_the_weighted_mean():
    """One of a pair mended gains 1/4 beside a class of 50, give or take more than that."""
    labels = torch.tensor([0] * 2 + [1] * 50)
    none, one = torch.zeros(52, dtype=torch.bool), torch.arange(52) == 0
    assert chosen(labels, one, none) == 0
    assert chosen(labels, labels == 0, none) == 1
    assert chosen(labels, labels == 1, none) == 1


@pytest.mark.parametrize("counts", [(26, 26), (2, 50), (5, 50)])
def test_steps_that_change_answers_at_random_are_seldom_taken(counts):
    labels = torch.arange(2).repeat_interleave(torch.tensor(counts))
    generator = torch.Generator().manual_seed(0)
    draws = torch.rand(300, sum(counts), generator=generator)
    assert sum(chosen(labels, draw < 0.1, draw > 0.9) for draw in draws) < 0.05 * 300


def chosen(labels, *wrong):
    """The steps of a task whose held-out examples are told wrong, as given, after no step, one step and so on."""
    ways = int(labels.max()) + 1
    support = Support.of_task(torch.zeros(len(labels), 1, 1, 1), labels)

    def trajectory(parts, features):
        shape = len(parts.ways), ways, ways
        head = {"weight": torch.eye(ways).expand(shape), "bias": torch.zeros(shape[:2])}
        for after in wrong:
            told = torch.where(after, (labels + 1) % ways, labels)
            yield head, torch.nn.functional.one_hot(told, ways).float().expand(shape[0], -1, -1)

    return int(held_out_steps(support, torch.randn(1, len(labels), 2), trajectory, given=True))


@pytest.mark.parametrize("moves", ["head", "all"])
def test_steps_that_harm_are_not(moves):
    of = learner(moves, head="prototype", rate=1e4)
    start = adapted(of, SUPPORT, steps=0)
    theta = adapted(of, SUPPORT)
    torch.testing.assert_close(theta.head, start.head)
    torch.testing.assert_close(of.features(theta, SUPPORT.images), of.features(start, SUPPORT.images))


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize(("head", "steps"), [("prototype", 0), ("shared", STEPS)])
def test_a_class_of_one_image_leaves_nothing_to_hold_out(head, steps, copies):
    """Then no step is taken, except where without any no class would be likelier than another."""
    labels = torch.tensor([0, 0, 0, 1, 1, *[2] * copies])
    pixels = images(labels)
    pixels[5:] = pixels[5]
    support = Support.of_task(pixels, labels)
    for moves in ("head", "all"):
        of = learner(moves, head)
        same(adapted(of, support), adapted(of, support, steps=steps))


def test_a_shared_start_takes_all_steps_unless_fewer_are_surely_better():
    labels = torch.tensor([0, 0, 1, 1])
    noise = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    of = learner()  # of noise, no number of steps tells anything about what is held out
    support = Support.of_task(noise, labels)
    same(adapted(of, support), adapted(of, support, steps=STEPS))


def held_out(features, labels):
    """Which examples each fold holds out, ``[F, S]``."""
    support = Support.of_task(torch.zeros(len(labels), 1, 1, 1), labels)
    seen = []

    def trajectory(parts, features):
        seen.append(parts.weights == 0)
        yield {"weight": torch.zeros(len(parts.ways), 2, 4), "bias": torch.zeros(len(parts.ways), 2)}, features

    held_out_steps(support, features, trajectory, given=True)
    (held,) = seen
    return held


def test_copies_of_one_image_are_held_out_together():
    features = torch.randn(1, 9, 4, generator=torch.Generator().manual_seed(0))
    features[0, 3:5] = features[0, 0]
    held = held_out(features, torch.tensor([0] * 5 + [1] * 4))
    assert held.sum(0).tolist() == [1] * 9
    assert torch.equal(held[:, 0], held[:, 3])
    assert torch.equal(held[:, 0], held[:, 4])
    assert held[:, :5].sum(1).tolist() in ([3, 1, 1], [1, 3, 1], [1, 1, 3])


def test_an_image_that_two_classes_share_is_an_example_of_each():
    features = torch.randn(1, 5, 4, generator=torch.Generator().manual_seed(0))
    features[0, 4] = features[0, 0]
    assert held_out(features, torch.tensor([0, 0, 0, 1, 1])).sum(0).tolist() == [1] * 5


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


@pytest.mark.parametrize("budget", ["fixed", "held-out"])
@pytest.mark.parametrize(("moves", "normalisation"), [("all", "group"), ("head", "group"), ("head", "support")])
def test_operations_are_those_of_all_passes(moves, normalisation, budget, monkeypatch):
    passes = 0.0
    forward = Conv4.__call__

    def counted(self, params, pixels, **options):
        nonlocal passes
        # Gradients, asked for by steps alone, take as much as two passes.
        stepped = any(value.requires_grad for value in params.values())
        passes += pixels.shape[:2].numel() / len(LABELS) * (3 if stepped else 1)
        return forward(self, params, pixels, **options)

    of = learner(moves, "prototype", normalisation=normalisation)
    of = replace(of, rule=replace(of.rule, budget=budget))
    phi = of.initial(seed=0)
    monkeypatch.setattr(Conv4, "__call__", counted)
    # Whatever the folds say, let all steps be taken.
    monkeypatch.setattr("models.learner.held_out_steps", lambda *given: 0 * held_out_steps(*given) + STEPS)
    with torch.no_grad():
        features = of.embed(phi, SUPPORT.images) if of.keeps_features else None
        theta = of.adapt(phi, SUPPORT, features=features)
        if not of.keeps_features:
            of.features(theta, SUPPORT.images)
    monkeypatch.undo()
    assert passes == of.operations(len(LABELS)) / len(LABELS) / of.backbone.operations


def test_another_budget_is_refused():
    with pytest.raises(ValueError, match="fixed or held-out"):
        InnerRule("head", 1, budget="none")
