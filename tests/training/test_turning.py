"""Tasks of turned classes: which are turned, by how much, and what training takes them for."""

import dataclasses

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.initialization import learner_as_dict
from models.inner_rule import InnerRule
from models.learner import Learner
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.outer.class_loss import CENTRES
from training.outer_plan import Outer
from training.recipe import Data, Episodes, Jitter, RecipeError
from training.run.trainer import Trainer
from training.tasks.episodes import EpisodeSampler
from training.tasks.turning import ClassTurning

TURNING, MIRROR = Episodes(ways=5, shots=1, queries=2, turning=0.9), Jitter(mirror=True)
WAYS, COUNT = 5, len(TRAINING)
LEARNER = Learner(Conv4(1, 16, 8, "pool", "running", 4, unit=True), Head("prototype", 8.0), InnerRule("head", 1))


def sampled(numbers):
    return EpisodeSampler(TRAINING, ways=WAYS, shots=(1, 3), queries=2, seed=0).episodes(numbers)


def turned(numbers, share=0.5, seed=0):
    return ClassTurning(COUNT, share=share, seed=seed)(sampled(numbers), numbers)


def images_of(batch):
    return torch.cat([batch.support.images, batch.query_images], 1)


def test_all_images_of_a_class_are_turned_as_its_number_says():
    plain, batch = sampled(range(40)), turned(range(40))
    assert torch.equal(batch.class_ids % COUNT, plain.class_ids)
    assert torch.equal(batch.support.labels, plain.support.labels)
    assert torch.equal(batch.support_places, plain.support_places)
    quarters = batch.image_classes // COUNT
    for before, after, quarter in zip(
        images_of(plain).flatten(0, 1), images_of(batch).flatten(0, 1), quarters.flatten().tolist(), strict=True
    ):
        # One quarter takes the pixel of the upper right corner to the upper left one.
        for _ in range(quarter):
            before = before.transpose(-1, -2).flip(-2)
        assert torch.equal(before, after)


def test_the_share_is_that_of_classes_and_all_turns_are_as_likely():
    quarters = turned(range(400), share=0.6).class_ids // COUNT
    shares = quarters.flatten().bincount(minlength=4) / quarters.numel()
    torch.testing.assert_close(shares, torch.tensor([0.4, 0.2, 0.2, 0.2]), rtol=0, atol=0.03)


def test_what_a_task_draws_hangs_on_its_number_and_the_seed_alone():
    whole, alone = turned(range(8)), turned(range(5, 6))
    assert torch.equal(whole.class_ids[5], alone.class_ids[0])
    assert torch.equal(images_of(whole)[5, : images_of(alone).shape[1]], images_of(alone)[0])
    assert not torch.equal(turned(range(8), seed=1).class_ids, whole.class_ids)


def test_off_changes_nothing():
    batch = sampled(range(3))
    off = ClassTurning(COUNT, share=0.0, seed=0)
    assert off(batch, range(3)) is batch
    assert off.classes == COUNT


def test_a_run_tells_upright_and_turned_classes_apart(tmp_path):
    episodes = Episodes(ways=5, shots=1, queries=2, turning=0.5)
    outer = Outer(tasks=2, steps=60, warm_up=60, warm_up_loss="classes", learning_rate=0.01)
    plan = recipe(learner=learner_as_dict(LEARNER), outer=outer, episodes=episodes)
    trainer = Trainer(plan, TRAINING, VALIDATION, tmp_path)
    assert len(trainer.phi[CENTRES]) == 4 * COUNT
    first = trainer._step(0, trainer._batch(0))[0]
    trainer.run()
    assert trainer._step(1, trainer._batch(0))[0] < 0.7 * first


def test_images_are_mirrored_before_they_are_turned(tmp_path):
    episodes = Episodes(ways=5, shots=1, queries=2)
    plain = recipe(episodes=episodes, jitter=Jitter(), class_jitter=Jitter())
    mirroring = dataclasses.replace(plain, jitter=MIRROR)
    batches = []
    for plan in (plain, mirroring, dataclasses.replace(mirroring, episodes=TURNING)):
        batches.append(Trainer(plan, TRAINING, VALIDATION, tmp_path)._batch(0))
    upright, mirrored, turned = (images_of(batch).flatten(0, 1) for batch in batches)
    quarters = (batches[2].image_classes // COUNT).flatten()
    mirrors = (mirrored - upright.flip(-1)).abs().amax((1, 2, 3)) < 1e-3
    assert {1, 3} <= set(quarters[mirrors].tolist())
    for before, after, quarter in zip(mirrored, turned, quarters.tolist(), strict=True):
        assert torch.equal(torch.rot90(before, quarter, (-2, -1)), after)


@pytest.mark.parametrize("change", [{"mixing": 0.5}, {"rotations": True}])
def test_classes_are_not_made_anew_twice(change):
    episodes, data = Episodes(turning=0.5), Data()
    if "mixing" in change:
        episodes = dataclasses.replace(episodes, **change)
    else:
        data = dataclasses.replace(data, **change)
    with pytest.raises(RecipeError, match=r"set episodes.mixing to 0 and data.rotations to false"):
        recipe(episodes=episodes, data=data).build_learner()


def test_a_share_is_within_bounds():
    with pytest.raises(ValueError, match=r"episodes.turning is a share .* not 1.5"):
        ClassTurning(COUNT, share=1.5, seed=0)
