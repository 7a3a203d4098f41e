"""The supernet: with certain choices the network they stand for; tasks leave its structure, training does not."""

import itertools

import pytest
import torch

from models.heads import Head
from models.inner_rule import InnerRule
from models.learner import BODY, Learner
from tests.training.structure.tiny_space import SPACE
from tests.training.tiny_run import TRAINING
from training.outer.gradient import OuterGradient
from training.outer.processes import Processes
from training.outer_plan import Outer
from training.structure.cost import expected_operations
from training.structure.space import AXES
from training.structure.supernet import Supernet
from training.tasks.episodes import EpisodeSampler

SUPERNET = Supernet(SPACE)
CERTAIN = 1000.0
CHOSEN = [
    [
        {"kernel": 2, "width": 0, "groups": 1, "skip": 1},
        {"kernel": 1, "width": 1, "groups": 2, "skip": 0},
        {"kernel": 0, "width": 0, "groups": 0, "skip": 1},
    ],
    [
        {"kernel": 0, "width": 1, "groups": 2, "skip": 0},
        {"kernel": 2, "width": 0, "groups": 0, "skip": 1},
        {"kernel": 1, "width": 0, "groups": 1, "skip": 0},
    ],
]


def drawn(per_task=None):
    """Parameters none of which is as it was initially, those of the weights of each task its own where asked."""
    generator = torch.Generator().manual_seed(1)
    params = SUPERNET.initial(generator)
    for name, value in params.items():
        shape = value.shape if per_task is None or name.startswith("structure") else (per_task, *value.shape)
        params[name] = (value + 0.2 * torch.randn(shape, generator=generator)).double()
    return params


def decided(params, chosen):
    """Make one option of each axis certain."""
    decisions = dict(params)
    for stage, of_stage in enumerate(chosen, start=1):
        for axis, place in of_stage.items():
            logits = torch.zeros_like(params[f"structure.stage{stage}.{axis}"])
            logits[place] = CERTAIN
            decisions[f"structure.stage{stage}.{axis}"] = logits
    return decisions


@pytest.mark.parametrize("per_task", [None, 2])
@pytest.mark.parametrize("chosen", CHOSEN)
def test_with_certain_choices_it_is_the_staged_network_they_stand_for(chosen, per_task):
    params = drawn(per_task)
    fixed = SPACE.backbone(chosen)
    images = torch.rand(2, 3, 1, 16, 16, generator=torch.Generator().manual_seed(2)).double()
    features, _ = SUPERNET(decided(params, chosen), images)
    expected, _ = fixed(SUPERNET.cut(params, chosen), images)
    width = fixed.features
    torch.testing.assert_close(features[..., :width], expected, rtol=1e-9, atol=1e-9)
    assert features[..., width:].abs().sum() == 0


def test_a_draw_is_the_likeliest_network_with_the_gradient_of_the_mixture():
    params = {name: value.requires_grad_() for name, value in drawn().items()}
    images = torch.rand(1, 2, 1, 16, 16, generator=torch.Generator().manual_seed(2)).double()
    draws, probabilities = SPACE.draws(params), SPACE.probabilities(params)
    chosen = [{axis: int(value.argmax()) for axis, value in choices.items()} for choices in probabilities]
    expected, _ = SUPERNET(decided(params, chosen), images)
    for given in (params, {name: value.detach() for name, value in params.items()}):
        features, _ = Supernet(SPACE, drawn=True)(given, images)
        torch.testing.assert_close(features, expected)
    for of_draw, of_mixture in zip(draws, probabilities, strict=True):
        for axis, value in of_draw.items():
            assert sorted(value.tolist()) == pytest.approx([0.0] * (len(value) - 1) + [1.0])
            weights = torch.arange(float(len(value))).double()
            leaf = [params[name] for name in params if name.startswith("structure.")]
            ours = torch.autograd.grad((value * weights).sum(), leaf, retain_graph=True, allow_unused=True)
            theirs = torch.autograd.grad(
                (of_mixture[axis] * weights).sum(), leaf, retain_graph=True, allow_unused=True
            )
            for one, other in zip(ours, theirs, strict=True):
                assert (one is None) == (other is None)
                assert one is None or torch.equal(one, other)


def test_expected_operations_are_the_networks_where_choices_are_certain():
    params = drawn()
    for chosen in CHOSEN:
        of_certain = expected_operations(SPACE, SPACE.probabilities(decided(params, chosen)))
        assert of_certain.item() == SPACE.backbone(chosen).operations


def test_expected_operations_are_the_mean_over_drawn_structures():
    probabilities = SPACE.probabilities(drawn())
    options = [list(itertools.product(range(3), range(len(SPACE.widths[stage])), range(2))) for stage in range(3)]
    total = 0.0
    for chosen in itertools.product(*options):
        places = [dict(zip(("kernel", "width", "skip"), one, strict=True)) | {"groups": 0} for one in chosen]
        likely = 1.0
        for one, choices in zip(places, probabilities, strict=True):
            for axis in ("kernel", "width", "skip"):
                likely *= float(choices[axis][one[axis]])
        total += likely * SPACE.backbone(places).operations
    assert expected_operations(SPACE, probabilities).item() == pytest.approx(total, rel=1e-6)


def test_the_outer_gradient_reaches_the_structure_and_tasks_leave_it():
    learner = Learner(SUPERNET, Head("prototype"), InnerRule("all", 2, "layer-step", 0.05))
    batch = EpisodeSampler(TRAINING, ways=3, shots=1, queries=2, seed=0).batch(0, 3)
    phi = {BODY + name: value.float() for name, value in drawn().items()}
    phi = {**learner.initial(seed=0), **phi}
    assert not any("structure" in name for name in phi if name.startswith("rates."))
    theta = learner.adapt(phi, batch.support)
    for stage, axis in itertools.product((1, 2, 3), AXES):
        name = f"structure.stage{stage}.{axis}"
        assert theta.body[name] is phi[BODY + name]
    assert theta.body["stage2.kernel5"].shape[0] == 3
    learned = {name: value.clone().requires_grad_() for name, value in phi.items()}
    gradient = OuterGradient(learner, Outer(tasks=3), Processes(), 1 << 40)
    gradient(learned, batch, 0)
    for stage, axis in itertools.product((1, 2, 3), AXES):
        value = learned[f"{BODY}structure.stage{stage}.{axis}"]
        assert value.grad is not None
        if len(value) > 1:
            assert value.grad.abs().max() > 1e-6, (stage, axis)


def test_the_gradient_of_the_structure_after_adapting_is_that_of_finite_differences():
    learner = Learner(SUPERNET, Head("prototype"), InnerRule("all", 1, "one", 0.05))
    batch = EpisodeSampler(TRAINING, ways=3, shots=1, queries=2, seed=0).batch(0, 2)
    batch = batch._map(lambda value: value.double() if value.is_floating_point() else value)
    phi = {name: value.double() for name, value in learner.initial(seed=0).items()}
    phi |= {BODY + name: value for name, value in drawn().items()}
    gradient = OuterGradient(learner, Outer(tasks=2), Processes(), 1 << 40)

    def loss_at(name, place, step):
        moved = {key: value.clone().requires_grad_() for key, value in phi.items()}
        with torch.no_grad():
            moved[name][place] += step
        loss, _ = gradient(moved, batch, 0)
        return float(loss), moved[name].grad

    for name, place in (("stage1.kernel", 2), ("stage2.width", 0), ("stage2.groups", 1), ("stage3.skip", 0)):
        name = f"{BODY}structure.{name}"
        _, found = loss_at(name, place, 0.0)
        above, below = loss_at(name, place, 1e-4)[0], loss_at(name, place, -1e-4)[0]
        assert float(found[place]) == pytest.approx((above - below) / 2e-4, rel=1e-4, abs=1e-8), name
