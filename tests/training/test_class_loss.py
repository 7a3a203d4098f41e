"""The supervised warm-up: its loss against a plain formula, and what of it is published."""

import copy
import dataclasses

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.initialization import learner_as_dict
from models.inner_rule import InnerRule
from models.learner import Learner
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.outer.class_loss import CENTRES, class_logits, class_loss, initial_centres
from training.outer.warm_up import by_classes
from training.outer_plan import Outer
from training.recipe import RecipeError
from training.run.trainer import Trainer
from training.tasks.episodes import EpisodeSampler

LEARNER = Learner(Conv4(1, 16, 8, "pool", "running", 4, unit=True), Head("prototype", 8.0), InnerRule("head", 1))


def test_the_loss_is_a_cross_entropy_over_distances():
    phi = LEARNER.initial(0) | initial_centres(LEARNER, 7, seed=1)
    features = torch.nn.functional.normalize(torch.randn(5, LEARNER.backbone.features), dim=1)
    classes = torch.tensor([0, 6, 3, 3, 1])
    centres = torch.stack([row / row.norm() for row in phi[CENTRES]])
    distances = (features[:, None] - centres[None]).square().sum(-1)
    wanted = torch.nn.functional.cross_entropy(-8.0 * distances, classes)
    loss, accuracy = class_loss(class_logits(LEARNER, phi, features)[:, None], classes)
    torch.testing.assert_close(loss, wanted)
    assert float(accuracy) == pytest.approx(float((distances.argmin(1) == classes).float().mean()))


def test_it_goes_by_class_not_by_label():
    drawn = EpisodeSampler(TRAINING, ways=5, shots=1, queries=2, seed=0).batch(0, 2)
    phi = LEARNER.initial(0) | initial_centres(LEARNER, len(TRAINING), seed=1)
    order = torch.tensor([4, 2, 0, 1, 3])
    relabelled = dataclasses.replace(
        drawn,
        support=dataclasses.replace(drawn.support, labels=order.argsort()[drawn.support.labels]),
        query_labels=order.argsort()[drawn.query_labels],
        class_ids=drawn.class_ids[:, order],
    )
    one, other = (by_classes(LEARNER, dict(phi), batch) for batch in (drawn, relabelled))
    assert torch.equal(one.loss, other.loss)


def supervised():
    plan = Outer(tasks=2, steps=30, warm_up=30, warm_up_loss="classes", weight_decay=0.1)
    return dataclasses.replace(recipe(), learner=learner_as_dict(LEARNER), outer=plan)


def test_it_learns_goes_on_after_a_break_and_leaves_the_centres_behind(tmp_path):
    whole = Trainer(supervised(), TRAINING, VALIDATION, tmp_path / "whole")
    fresh = Trainer(supervised(), TRAINING, VALIDATION, tmp_path / "fresh")
    first = fresh.gradient(fresh.phi, fresh._batch(0), 0)[0]
    whole.run()
    after = copy.deepcopy(whole.phi)
    assert fresh.gradient(after, fresh._batch(0), 0)[0] < 0.8 * first
    assert CENTRES not in whole.best
    broken = Trainer(supervised(), TRAINING, VALIDATION, tmp_path / "broken")
    broken.out.mkdir()
    for step in range(12):
        broken._step(step, broken._batch(step))
    broken.progress.step = 12
    broken.save()
    resumed = Trainer(supervised(), TRAINING, VALIDATION, tmp_path / "broken")
    resumed.resume()
    resumed.run()
    assert all(torch.equal(value, resumed.phi[name]) for name, value in whole.phi.items())


def test_weight_decay_pulls_kernels_alone(tmp_path):
    plan = supervised()
    outers = [dataclasses.replace(plan.outer, weight_decay=decay) for decay in (0.0, 10.0)]
    plans = [dataclasses.replace(plan, outer=outer) for outer in outers]
    trainers = [Trainer(one, TRAINING, VALIDATION, tmp_path) for one in plans]
    before = {name: value.detach().clone() for name, value in trainers[0].phi.items()}
    for trainer in trainers:
        trainer._step(0, trainer._batch(0))
    free, pulled = (trainer.phi for trainer in trainers)
    for name, value in before.items():
        is_kernel = name.endswith("convolution")
        wanted = free[name] - (plan.outer.learning_rate * 10.0) * value if is_kernel else free[name]
        torch.testing.assert_close(pulled[name], wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (dataclasses.replace(LEARNER, head=Head("shared")), "prototype or lda head, ridge or svm"),
        (
            dataclasses.replace(LEARNER, backbone=Conv4(side=16, normalisation="support")),
            "without a support set",
        ),
        (dataclasses.replace(LEARNER, backbone=Conv4(1, 16, 8, "pool", "running", 4)), "unit to true"),
    ],
)
def test_what_cannot_be_compared_is_refused(learner, message):
    with pytest.raises(RecipeError, match=message):
        dataclasses.replace(supervised(), learner=learner_as_dict(learner)).build_learner()
