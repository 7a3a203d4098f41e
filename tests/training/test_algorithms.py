"""Every named algorithm: learns, is written and read back, adapts to any task, and equals its plain loop."""

import dataclasses
from pathlib import Path

import pytest
import torch
import yaml

from models.backbones.conv4 import Conv4
from models.initialization import learner_as_dict, load, save
from models.support import Support
from tests.made_confidence import constant_confidence
from tests.training import plain_loop
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.__main__ import main
from training.algorithms import ALGORITHMS
from training.outer.gradient import OuterGradient
from training.outer.processes import Processes
from training.outer_plan import Outer
from training.recipe import RecipeError, Validation
from training.recipe_reading import read_recipe
from training.run.trainer import Trainer
from training.tasks.episodes import EpisodeSampler

RECIPES = Path(__file__).parents[2] / "training" / "recipes"
NAMES = sorted(ALGORITHMS)
BY_GRADIENT = [name for name in NAMES if ALGORITHMS[name].outer.get("rule", "gradient") == "gradient"]
SIDE = 16


def planned(name, **outer):
    """A tiny recipe of the algorithm, of at most three inner steps."""
    row = ALGORITHMS[name]
    rule = {**row.rule, "steps": min(3, row.rule["steps"])}
    backbone = learner_as_dict(recipe().build_learner())["backbone"]
    learner = {"backbone": backbone, "head": row.head, "rule": rule}
    return recipe(learner=learner, outer=Outer(**{**row.outer, **outer}), algorithm=name)


def drawn_phi(learner):
    """A phi in which nothing is what it was initially: no rates alike, no matrix an identity."""
    generator = torch.Generator().manual_seed(4)
    return {
        name: value.double() + 0.03 * value.abs().mean() * torch.randn(value.shape, generator=generator).double()
        for name, value in learner.initial(seed=5).items()
    }


@pytest.fixture
def double_precision():
    torch.set_default_dtype(torch.float64)  # which learn2learn's SVM makes its constants of
    yield
    torch.set_default_dtype(torch.float32)


def episodes(name):
    """Tasks of several ways and, but for learn2learn's SVM, ragged shots, in double precision."""
    plain = name == "metaoptnet"
    sampler = EpisodeSampler(
        TRAINING, ways=(2, 4), shots=2 if plain else (1, 3), queries=2, seed=0, ragged=not plain
    )
    batch = sampler.batch(0, 3)
    return batch._map(lambda value: value.double() if value.is_floating_point() else value)


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_the_outer_gradient_is_that_of_a_plain_loop(name, double_precision):
    plan = planned(name)
    learner, batch, outer = plan.build_learner(), episodes(name), plan.outer
    phi = drawn_phi(learner)
    for step in sorted({0, outer.first_order_until, outer.multi_step_until}):
        ours = {key: value.clone().requires_grad_() for key, value in phi.items()}
        OuterGradient(learner, outer, Processes(), 1 << 40)(ours, batch, step)
        shares = [1.0]
        if step < outer.multi_step_until:
            part = (1 - step / outer.multi_step_until) / 3
            shares = [part, part, 1 - 2 * part]
        expected = plain_loop.outer_gradient(
            learner,
            phi,
            batch,
            second_order=outer.second_order and step >= outer.first_order_until,
            shares=shares,
        )
        largest = max(value.norm() for value in expected.values())
        for key, value in expected.items():
            tolerance = 3e-4 if name == "metaoptnet" else 1e-8  # learn2learn's interior point stops before
            error = (ours[key].grad - value).norm()
            assert error < tolerance * value.norm() + 1e-12 * largest, (key, float(error), float(value.norm()))


@pytest.mark.parametrize("name", NAMES)
def test_it_learns(name, tmp_path):
    tasks = 100 if ALGORITHMS[name].outer.get("rule") == "evolution" else 4
    plan = planned(name, tasks=tasks, steps=20, learning_rate=0.01, rates_learning_rate=0.01)
    outer = dataclasses.replace(
        plan.outer,
        first_order_until=min(5, plan.outer.first_order_until),
        multi_step_until=min(10, plan.outer.multi_step_until),
    )
    # By this seed, no start is so good (0.6 at most) that little could be learned.
    plan = dataclasses.replace(
        plan, seed=4, outer=outer, validation=Validation(every=20, episodes=100, queries=2)
    )
    trainer = Trainer(plan, TRAINING, VALIDATION, tmp_path)
    trainer._look(None)
    before = trainer.progress.looks[-1][1]
    trainer.run()
    after = trainer.progress.looks[-1][1]
    assert after > before + 0.1, f"{before:.3f} before, {after:.3f} after"


@pytest.fixture(scope="module", params=NAMES)
def written(request, tmp_path_factory):
    """An initialization of the algorithm, written and read back, with what was written."""
    plan = planned(request.param)
    learner = plan.build_learner()
    phi = {name: value.float() for name, value in drawn_phi(learner).items()}
    folder = tmp_path_factory.mktemp(request.param.replace("+", "p"))
    save(
        folder,
        name=request.param,
        learner=learner,
        phi=phi,
        preprocessing=plan.build_preprocessing(),
        confidence=constant_confidence(),
        facts={},
    )
    return load(folder), learner, phi


def test_it_is_read_back_as_it_was_written(written):
    initialization, learner, phi = written
    assert initialization.learner == learner
    assert initialization.phi.keys() == phi.keys()
    assert all(torch.equal(initialization.phi[name], value) for name, value in phi.items())


@pytest.mark.parametrize("ways", [2, 7, 20])
def test_it_adapts_to_any_ways_and_ragged_shots_and_answers_each_query_alone(written, ways):
    initialization, _, _ = written
    learner, phi = initialization.learner, initialization.phi
    generator = torch.Generator().manual_seed(ways)
    labels = torch.tensor([label for label in range(ways) for _ in range(1 + 4 * (label % 3))])
    support = Support.of_task(torch.rand(len(labels), 1, SIDE, SIDE, generator=generator), labels)
    queries = torch.rand(1, 3, 1, SIDE, SIDE, generator=generator)
    with torch.no_grad():
        theta = learner.adapt(phi, support)
        together = learner.predict(theta, queries)
        alone = torch.cat([learner.predict(theta, one) for one in queries.split(1, 1)], 1)
        # Trained code and served code are one: the gradients that meta-training asks for change no answer.
        learned = {name: value.clone().requires_grad_() for name, value in phi.items()}
    unrolled = learner.predict(learner.adapt(learned, support, second_order=True), queries)
    assert together.shape == (1, 3, ways)
    assert together.isfinite().all()
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(together, unrolled.detach(), rtol=1e-3, atol=1e-3)


def test_reptile_moves_towards_what_training_makes_of_each_task():
    plan = planned("reptile")
    learner, batch = plan.build_learner(), episodes("reptile")
    phi = drawn_phi(learner)
    ours = {name: value.clone().requires_grad_() for name, value in phi.items()}
    OuterGradient(learner, plan.outer, Processes(), 1 << 40)(ours, batch, 0)
    expected = plain_loop.reptile_gradient(learner, phi, batch)
    for name, value in ours.items():
        if name in expected:
            torch.testing.assert_close(value.grad, expected[name], rtol=1e-8, atol=1e-12)
        else:
            assert value.grad is None, f"{name} is not learned"


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_names_it(name, capsys):
    file = RECIPES / ALGORITHMS[name].recipe
    plan = read_recipe(file, [f"algorithm={name}"])
    assert plan.learner["head"]["kind"] == ALGORITHMS[name].head["kind"]
    assert plan.learner["rule"]["moves"] == ALGORITHMS[name].rule["moves"]
    assert main(["list-algorithms"]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith(f"{name} "))
    assert f"training/recipes/{file.name}" in row
    assert "Conv4" not in row, "it takes any backbone"
    if " order" in row:
        assert (" second order" in row) == plan.outer.second_order


def test_what_the_recipe_says_goes_before_what_the_algorithm_is(tmp_path):
    plan = read_recipe(RECIPES / "algorithms.yaml", ["algorithm=fomaml", "learner.rule.steps=2"])
    assert plan.build_learner().rule.steps == 2
    assert plan.build_learner().rule.moves == "all"
    assert plan.outer.second_order is False
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(plan.as_dict()))
    assert read_recipe(tmp_path / "again.yaml") == plan
    with pytest.raises(RecipeError, match="algorithm must be one of maml, fomaml"):
        read_recipe(RECIPES / "algorithms.yaml", ["algorithm=mamle"])
    with pytest.raises(RecipeError, match="reptile"):
        read_recipe(RECIPES / "algorithms.yaml", ["algorithm=reptile", "learner.rule.moves=head"])
    with pytest.raises(RecipeError, match=r"outer\.warm_up to 0"):
        read_recipe(RECIPES / "algorithms.yaml", ["outer.rule=evolution", "outer.warm_up=1"])


def test_a_shared_head_has_nothing_to_warm_up():
    with pytest.raises(RecipeError, match=r"shared head .*set outer\.warm_up to 0$"):
        read_recipe(RECIPES / "algorithms.yaml", ["algorithm=maml", "outer.warm_up=200"])
    running = ["algorithm=maml", "learner.backbone.normalisation=running", "outer.warm_up=1"]
    with pytest.raises(RecipeError, match=r"set outer\.warm_up to 0, with group normalisation"):
        read_recipe(RECIPES / "algorithms.yaml", running)
    assert (
        read_recipe(RECIPES / "algorithms.yaml", ["algorithm=protonet", "outer.warm_up=200"]).outer.warm_up == 200
    )


def test_a_closed_gate_keeps_its_layer_and_can_open_again(double_precision):
    plan = planned("gated-maml")
    learner, batch = plan.build_learner(), episodes("gated-maml")
    phi, closed = drawn_phi(learner), "body.block2.convolution"
    phi[f"rates.{closed}"] = torch.tensor(-0.2)
    with torch.no_grad():
        theta = learner.adapt(phi, batch.support)
    moved = theta.body["block2.convolution"] - phi[closed]
    assert moved.abs().max() == 0
    assert (theta.body["block3.convolution"] - phi["body.block3.convolution"]).abs().max() > 0
    ours = {name: value.clone().requires_grad_() for name, value in phi.items()}
    OuterGradient(learner, plan.outer, Processes(), 1 << 40)(ours, batch, 0)
    expected = plain_loop.outer_gradient(learner, phi, batch, second_order=True, shares=[1.0])
    for name, value in expected.items():
        assert (ours[name].grad - value).norm() < 1e-8 * value.norm() + 1e-12, name
    assert expected[f"rates.{closed}"] != 0


def test_backbone_of_the_oracle_is_the_learners():
    assert planned("maml").build_learner().backbone == Conv4(1, SIDE, 8, groups=4)
