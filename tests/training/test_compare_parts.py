"""Parts of ``compare`` against plain code: the probe, batches of examples, traces, axes."""

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.images.preprocessing import Preprocessing
from models.inner_rule import InnerRule
from models.learner import Learner
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.algorithms import ALGORITHMS
from training.charts.axes import linear, logarithmic
from training.comparison.contenders import contenders
from training.comparison.ordinary import fresh_networks
from training.comparison.plan_reading import PLANS, read_plan
from training.comparison.probe_head import logistic_regression
from training.comparison.supervised import ExampleSampler, SupervisedTrainer
from training.comparison.traces import Subject, trace
from training.comparison.trained import SUPERVISED, recipe_for
from training.comparison.wording import wording
from training.measures.evaluation import measure
from training.measures.measured import Protocol
from training.outer_plan import Outer
from training.recipe import Validation
from training.run.trainer import Trainer
from training.tasks.episodes import EpisodeSampler

PREPROCESSING = Preprocessing("drawing", 16, 1)
BACKBONE = Conv4(1, 16, 8, groups=4)
CPU = torch.device("cpu")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_algorithm_has_its_losses_named_in_both_languages(language):
    for one in contenders(tuple(ALGORITHMS)):
        assert one.loss_before(language)
        assert one.loss_on_task(language)
    assert wording("en").keys() == wording("zh").keys()
    assert wording("en")["findings"].keys() == wording("zh")["findings"].keys()


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_plans_report_enough_tasks(path):
    plan = read_plan(str(path))
    assert plan.name == path.stem
    assert plan.tasks.shots == (1, 2, 5, 10)
    assert plan.tasks.episodes >= 600


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.yaml")), ids=lambda path: path.stem)
def test_all_that_train_are_looked_at_as_often(path):
    plan = read_plan(str(path))
    for name in (SUPERVISED, *plan.algorithms):
        recipe = recipe_for(plan, name, name)
        assert -(-recipe.outer.steps // recipe.validation.every) == plan.training.looks, name


def test_the_probe_is_each_tasks_own_optimum():
    generator = torch.Generator().manual_seed(0)
    features = 5 + 20 * torch.randn(3, 8, 6, generator=generator)
    labels = torch.tensor([[0, 0, 1, 1, 2, 2, 2, 0]] * 2 + [[0, 1, 0, 1, 0, 1, 0, 0]])
    weights = torch.full((3, 8), 1 / 7)
    weights[:, 7] = 0  # padding
    mask = torch.tensor([[True] * 3] * 2 + [[True, True, False]])
    weight, bias = logistic_regression(features, labels, weights, mask, penalty=0.05)
    for task, ways in enumerate((3, 3, 2)):
        x, y = features[task, :7].double(), labels[task, :7]
        w = weight[task, :ways].double().requires_grad_()
        b = bias[task, :ways].double().requires_grad_()
        scale = (x - x.mean(0)).square().sum(1).mean()
        loss = torch.nn.functional.cross_entropy(x @ w.T + b, y) + 0.05 / 2 * scale * w.square().sum()
        of_weight, of_bias = torch.autograd.grad(loss, [w, b])
        assert of_weight.abs().max() < 1e-3 * scale.sqrt(), "convex: no gradient is the optimum"
        assert of_bias.abs().max() < 1e-4
    assert weight[2, 2].abs().max() == 0


def test_an_epoch_has_every_image_once_and_a_step_alone_decides_its_batch():
    sampler = ExampleSampler(TRAINING, 50, seed=3)
    size = len(TRAINING.images)
    places = torch.cat([sampler.batch(step, 1).query_places[0] for step in range(2 * size // 50 + 1)])
    for epoch in (places[:size], places[size : 2 * size]):
        assert torch.equal(epoch.sort().values, torch.arange(size))
    assert not torch.equal(places[:size], places[size : 2 * size])
    batch = ExampleSampler(TRAINING, 50, seed=3).batch(4, 1)
    assert torch.equal(batch.query_places[0], places[200:250])
    assert torch.equal(batch.query_images[0], TRAINING.images[places[200:250]].float() / 255)
    assert torch.equal(batch.image_classes, batch.query_labels)
    per_class = len(TRAINING.images) // len(TRAINING)
    assert torch.equal(batch.query_labels[0], batch.query_places[0] // per_class)


def supervised(out, steps=60):
    plan = recipe(
        outer=Outer(tasks=1, steps=steps, learning_rate=0.01),
        validation=Validation(every=20, episodes=20, queries=2),
        learner=recipe().learner
        | {"head": {"kind": "prototype"}, "rule": {"moves": "nothing", "steps": 0, "rates": "one"}},
    )
    return SupervisedTrainer(plan, TRAINING, VALIDATION, out, batch=40)


def test_supervised_training_tells_training_classes_apart_and_resumes(tmp_path):
    trainer = supervised(tmp_path / "whole")
    loss, _ = trainer.gradient(trainer.phi, trainer._batch(0), 0)
    assert loss == pytest.approx(2.9957, abs=1e-3), "from zero, where all are alike: the logarithm of 20"
    trainer.run()
    loss, accuracy = trainer.gradient(trainer.phi, trainer._batch(100), 0)
    assert accuracy > 0.6
    assert loss < 2.2
    resumed = supervised(tmp_path / "whole")
    Trainer.resume(resumed)
    assert torch.equal(resumed.phi["classifier.weight"], trainer.phi["classifier.weight"])
    assert resumed.progress.looks == trainer.progress.looks


def test_a_trace_is_what_measuring_each_number_of_steps_gives():
    learner = Learner(BACKBONE, Head("prototype"), InnerRule("all", 2, "layer-step", 0.02))
    phi, protocol = learner.initial(seed=0), Protocol(4, 2, 3, 9, seed=1)
    found = trace(
        Subject(learner, lambda _: phi, PREPROCESSING, CPU), VALIDATION, protocol, (0, 2, 5), losses=True
    )
    for steps, right in zip(found.steps, found.right, strict=True):
        measured = measure(learner, phi, PREPROCESSING, VALIDATION, protocol, inner_steps=steps)
        assert right.tolist() == (measured.accuracies * found.answers).round().long().tolist()
        loss = torch.nn.functional.cross_entropy(measured.logits.flatten(0, 1), measured.labels.flatten())
        assert found.query_loss[found.steps.index(steps)] == pytest.approx(float(loss), rel=1e-4)
    assert found.support_loss[0] > found.support_loss[1] > found.support_loss[2]


def test_learning_from_scratch_is_a_fresh_network_for_each_task():
    learner = Learner(BACKBONE, Head("shared"), InnerRule("all", 3, "one", 0.3))
    protocol = Protocol(3, 2, 4, 5, seed=2)
    networks = fresh_networks(learner, 7, CPU)
    together = trace(Subject(learner, networks, PREPROCESSING, CPU), VALIDATION, protocol, (3,))
    sampler = EpisodeSampler(VALIDATION, ways=3, shots=2, queries=4, seed=2)
    drawn = [learner.initial(7 * 1_000_003 + number) for number in range(5)]
    assert not torch.equal(drawn[0]["body.block1.convolution"], drawn[1]["body.block1.convolution"])
    for number, phi in enumerate(drawn):
        batch = sampler.episodes([number]).map_images(PREPROCESSING.normalise)
        with torch.no_grad():
            answers = learner.predict(learner.adapt(phi, batch.support), batch.query_images).argmax(-1)
        assert int((answers == batch.query_labels).sum()) == int(together.right[0, number])


def test_axes_end_at_round_numbers_and_place_values_between():
    axis = linear([61.3, 97.8], 300, 20)
    assert axis.ticks[0] == (60.0, "60")
    assert axis.ticks[-1][1] == "100"
    assert axis.place(60) == 300
    assert axis.place(80) == pytest.approx(160)
    assert axis.place(999) == 20, "what lies beyond is drawn on the edge"
    percent = linear([38.0, 99.5], 0, 100, most=100.0)
    assert [label for _, label in percent.ticks] == ["20", "40", "60", "80", "100"]
    assert [label for _, label in linear([0.0, 0.013], 0, 1).ticks] == ["0.000", "0.005", "0.010", "0.015"]
    logs = logarithmic([0.03, 40], 0, 400)
    assert [label for _, label in logs.ticks] == ["0.01", "0.1", "1", "10", "100"]
    assert logs.place(1) == pytest.approx(200)
