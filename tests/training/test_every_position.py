"""The loss at every position against one written out, and training on images that grow."""

import dataclasses

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.backbones.staged import Staged
from models.heads import Head
from models.initialization import learner_as_dict
from models.inner_rule import InnerRule
from models.learner import BODY, Learner, part
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.outer.class_loss import CENTRES, initial_centres
from training.outer.every_position import unpooled
from training.outer.warm_up import by_classes
from training.outer_plan import Outer
from training.recipe import RecipeError
from training.run.trainer import Trainer
from training.tasks.episodes import EpisodeSampler
from training.tasks.growing import shrunk, side_at

STAGES = ({"width": 8, "halving": "stride"}, {"width": 16, "halving": "stride"})  # 4x4 positions of 16x16 pixels
BACKBONE = Staged(1, 16, STAGES, unit=True, signed=True)
LEARNER = Learner(BACKBONE, Head("prototype", 8.0), InnerRule("head", 1))


def plan(learner=LEARNER, **changes):
    outer = Outer(tasks=2, steps=12, warm_up=10, warm_up_loss="classes", **changes)
    return dataclasses.replace(recipe(), learner=learner_as_dict(learner), outer=outer)


def batch():
    return EpisodeSampler(TRAINING, ways=5, shots=1, queries=2, seed=0).batch(0, 2)


def phi_of(seed=0):
    return LEARNER.initial(seed) | initial_centres(LEARNER, len(TRAINING), seed=1)


def test_the_loss_is_the_mean_over_positions():
    phi, drawn = phi_of(), batch()
    images = torch.cat([drawn.support.images, drawn.query_images], 1).flatten(0, 1)
    maps_of = dataclasses.replace(BACKBONE, average=False, unit=False)
    maps = maps_of(part(phi, BODY), images[None], pooled=True)[0][0].view(len(images), 16, 4, 4)
    losses, right = [], 0
    for image, label in zip(maps, drawn.image_classes.flatten().tolist(), strict=True):
        total = torch.zeros(len(TRAINING))
        for row in range(4):
            for column in range(4):
                feature = image[:, row, column] / image[:, row, column].norm()
                centres = phi[CENTRES] / phi[CENTRES].norm(dim=1, keepdim=True)
                logits = -8.0 * (feature - centres).square().sum(1)
                losses.append(-torch.log_softmax(logits, 0)[label])
                total += logits
        right += int(total.argmax() == label)
    found = by_classes(LEARNER, dict(phi), drawn, every_position=True)
    torch.testing.assert_close(found.loss, torch.stack(losses).mean())
    assert float(found.accuracy) == pytest.approx(right / len(images))


def test_the_constants_of_normalisation_are_learned_as_without():
    drawn, at_means, everywhere = batch(), phi_of(), phi_of()
    by_classes(LEARNER, at_means, drawn)
    by_classes(LEARNER, everywhere, drawn, every_position=True)
    assert not torch.equal(everywhere["body.stage1.1.moments"], phi_of()["body.stage1.1.moments"])
    assert all(torch.equal(value, everywhere[name]) for name, value in at_means.items())


def test_what_has_no_mean_of_positions_is_told():
    conv4 = dataclasses.replace(LEARNER, backbone=Conv4(1, 16, 8, "pool", "running", 4, unit=True))
    with pytest.raises(TypeError, match="stages"):
        unpooled(conv4)
    for changed in (conv4, dataclasses.replace(LEARNER, backbone=dataclasses.replace(BACKBONE, average=False))):
        for change in ({"every_position": True}, {"first_side": 16}):
            with pytest.raises(RecipeError, match="its average to true"):
                plan(changed, **change).build_learner()
    for side in (8, 20):
        with pytest.raises(RecipeError, match=f"outer.first_side is {side}: it takes 0, or 16 to the 16 pixels"):
            plan(first_side=side).build_learner()


def test_sides_grow_to_the_full_one_before_the_warm_up_ends():
    sides = [side_at(step, 100, 48, 84) for step in range(120)]
    assert sides[0] == 48
    assert sides == sorted(sides)
    assert all(side % 4 == 0 for side in sides)
    assert sides[79] < 84
    assert set(sides[80:]) == {84}
    assert {side_at(step, 100, 0, 84) for step in range(120)} == {84}
    assert {side_at(step, 100, 41, 41) for step in range(120)} == {41}
    assert [side_at(step, 100, 18, 30) for step in (0, 40, 79, 80)] == [18, 22, 26, 30]


def test_a_smaller_image_shows_the_same():
    left = torch.zeros(2, 3, 1, 16, 16)
    left[..., :8] = 1
    small = shrunk(left, 8)
    assert small.shape == (2, 3, 1, 8, 8)
    assert (small[..., :3] > 0.99).all()
    assert (small[..., 5:] < 0.01).all()
    assert shrunk(left, 16) is left


def test_a_run_that_grows_goes_on_after_a_break(tmp_path):
    learner = dataclasses.replace(LEARNER, backbone=dataclasses.replace(BACKBONE, side=24))
    grows = dataclasses.replace(
        plan(learner, every_position=True, first_side=16),
        preprocessing=recipe().preprocessing | {"side": 24},
    )
    bigger = [
        dataclasses.replace(
            data, images=torch.nn.functional.interpolate(data.images.float(), (24, 24)).to(torch.uint8)
        )
        for data in (TRAINING, VALIDATION)
    ]
    whole = Trainer(grows, *bigger, tmp_path / "whole")
    assert [whole._batch(step).query_images.shape[-1] for step in (0, 4, 7, 8, 11)] == [16, 20, 20, 24, 24]
    whole.run()
    broken = Trainer(grows, *bigger, tmp_path / "broken")
    broken.out.mkdir()
    for step in range(5):
        broken._step(step, broken._batch(step))
    broken.progress.step = 5
    broken.save()
    resumed = Trainer(grows, *bigger, tmp_path / "broken")
    resumed.resume()
    resumed.run()
    assert all(torch.equal(value, resumed.phi[name]) for name, value in whole.phi.items())
