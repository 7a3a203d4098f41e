"""The warm-up's loss: what running normalisation learns from, and what it does not."""

import dataclasses
from dataclasses import replace

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.initialization import learner_as_dict
from models.inner_rule import InnerRule
from models.learner import Learner
from tests.training.tiny_run import TRAINING, recipe
from training.outer.loss import outer_loss
from training.outer.warm_up import by_episodes, by_pairs
from training.outer_plan import Outer
from training.recipe import RecipeError
from training.tasks.episodes import EpisodeSampler


@pytest.fixture
def learner():
    return Learner(Conv4(1, 16, 8, "pool", "running", 4), Head("prototype"), InnerRule("head", 1))


@pytest.fixture
def batch():
    sampler = EpisodeSampler(TRAINING, ways=(3, 5), shots=(1, 3), queries=2, seed=0)
    drawn = sampler.batch(0, 4)
    assert (drawn.support.weights == 0).any()
    assert (drawn.query_weights == 0).any()
    return drawn


def test_padding_changes_nothing(learner, batch):
    first, second = learner.initial(0), learner.initial(0)
    padding = (batch.support.weights == 0)[..., None, None, None]
    filled = replace(batch, support=replace(batch.support, images=batch.support.images.masked_fill(padding, 7.0)))
    one, other = by_episodes(learner, first, batch), by_episodes(learner, second, filled)
    assert torch.equal(one.loss, other.loss)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_constants_become_the_moments_of_the_batch(learner, batch, monkeypatch):
    phi = learner.initial(0)
    monkeypatch.setattr("training.outer.warm_up._MOMENTUM", 1.0)
    warmed = by_episodes(learner, phi, batch)
    images = torch.cat(
        [batch.support.images[batch.support.weights > 0], batch.query_images[batch.query_weights > 0]]
    )
    maps = torch.nn.functional.conv2d(images, phi["body.block1.convolution"], padding=1)
    maps = torch.nn.functional.max_pool2d(maps, 2)
    moments = torch.stack([maps.mean((0, 2, 3)), maps.var((0, 2, 3))])
    torch.testing.assert_close(phi["body.block1.moments"], moments)
    # With these constants the inductive forward pass gives (but for the variance's bias) the same loss.
    fixed = outer_loss(learner, phi, batch, inner_steps=0, second_order=False)
    assert float(fixed.loss) == pytest.approx(float(warmed.loss), rel=1e-2)
    assert float(fixed.accuracy) == pytest.approx(float(warmed.accuracy), abs=0.05)


def test_pairs_go_by_class_and_see_neither_padding_nor_labels(learner, batch):
    sampler = EpisodeSampler(TRAINING, ways=20, shots=1, queries=2, seed=0)
    drawn = sampler.batch(0, 2)  # both tasks hold all 20 classes, under labels of their own
    assert not torch.equal(drawn.class_ids[0], drawn.class_ids[1])
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    relabelled = replace(
        drawn,
        support=replace(drawn.support, labels=order.argsort()[drawn.support.labels]),
        query_labels=order.argsort()[drawn.query_labels],
        class_ids=drawn.class_ids[:, order],
    )
    loss = by_pairs(learner, learner.initial(0), drawn).loss
    assert torch.equal(loss, by_pairs(learner, learner.initial(0), relabelled).loss)
    strangers = replace(drawn, class_ids=drawn.class_ids + torch.tensor([[0], [20]]))
    assert not torch.equal(loss, by_pairs(learner, learner.initial(0), strangers).loss)
    padded = by_pairs(learner, learner.initial(0), batch)
    padding = (batch.support.weights == 0)[..., None, None, None]
    filled = replace(batch, support=replace(batch.support, images=batch.support.images.masked_fill(padding, 7.0)))
    assert torch.equal(padded.loss, by_pairs(learner, learner.initial(0), filled).loss)


@pytest.mark.parametrize(
    ("backbone", "head"), [(Conv4(1, 16, 8, "pool", "support", 4), "prototype"), (Conv4(1, 16, 8), "shared")]
)
def test_pairs_refuse_what_needs_a_support_set(backbone, head):
    plan = recipe(outer=Outer(warm_up=2, warm_up_loss="pairs"))
    learner = Learner(backbone, Head(head), InnerRule("head", 1))
    with pytest.raises(RecipeError, match="pairs"):
        dataclasses.replace(plan, learner=learner_as_dict(learner)).build_learner()
