"""What is measured once the warm-up has made features: by what, when, and in how many sittings."""

import dataclasses
import signal

import pytest
import torch

from models import class_scatter
from models.backbones.at_rest import at_rest
from models.backbones.staged import Staged
from models.heads import Head
from models.initialization import learner_as_dict
from models.inner_rule import InnerRule
from models.learner import BODY, Learner, part
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.outer_plan import Outer
from training.recipe import RecipeError
from training.run import after_warm_up
from training.run.trainer import Trainer

STAGES = ({"width": 8, "halving": "stride"}, {"width": 16, "halving": "stride"})
BACKBONE = Staged(1, 16, STAGES, unit=True, signed=True)
LEARNER = Learner(BACKBONE, Head("lda", 8.0), InnerRule("head", 1))
CENTRED = dataclasses.replace(LEARNER, backbone=dataclasses.replace(BACKBONE, centred=True))


def plan(learner=CENTRED, **changes):
    outer = Outer(**({"tasks": 2, "steps": 12, "warm_up": 10, "warm_up_loss": "classes"} | changes))
    return dataclasses.replace(recipe(), learner=learner_as_dict(learner), outer=outer)


def test_the_scatter_of_training_classes_is_measured_after_the_warm_up(tmp_path):
    trainer = Trainer(plan(LEARNER, steps=4, warm_up=3), TRAINING, VALIDATION, tmp_path)
    for step in range(3):
        trainer._step(step, trainer._batch(step))
    spread = "head.spread.moments"
    assert torch.equal(trainer.phi[spread], torch.ones_like(trainer.phi[spread]))
    images = trainer.preprocessing.normalise(TRAINING.images)
    features, _ = BACKBONE(part(trainer.phi, BODY), images[None])
    wanted = class_scatter.of_classes(features[0].detach(), torch.arange(20).repeat_interleave(8))
    trainer.progress.step = 3
    trainer.run()
    torch.testing.assert_close(trainer.phi[spread], wanted["spread.moments"], rtol=1e-3, atol=1e-4)
    with pytest.raises(RecipeError, match="after the warm-up"):
        plan(LEARNER, steps=4, warm_up=4).build_learner()


def test_the_centre_is_measured_after_the_warm_up(tmp_path):
    trainer = Trainer(plan(every_position=True), TRAINING, VALIDATION, tmp_path)
    for step in range(10):
        trainer._step(step, trainer._batch(step))
    centre = trainer.phi["body.centre.moments"]
    assert not centre.any()
    images = trainer.preprocessing.normalise(TRAINING.images)
    features = LEARNER.backbone(part(trainer.phi, BODY), images[None])[0][0].detach()
    trainer.progress.step = 10
    trainer.run()
    torch.testing.assert_close(centre, features.mean(0), rtol=1e-3, atol=1e-4)
    apart = torch.nn.functional.normalize(features - features.mean(0), dim=1)
    wanted = class_scatter.of_classes(apart, torch.arange(20).repeat_interleave(8))
    found = trainer.phi["head.spread.moments"]
    torch.testing.assert_close(found, wanted["spread.moments"], rtol=1e-2, atol=1e-3)
    with pytest.raises(RecipeError, match="scatter"):
        plan(warm_up=12).build_learner()
    means = dataclasses.replace(CENTRED, head=Head("prototype", 8.0))
    with pytest.raises(RecipeError, match="the centre of a centred backbone is measured after the warm-up"):
        plan(means, warm_up=12).build_learner()


def test_a_former_centre_has_no_part_in_what_is_measured():
    """As of a run that starts from the phi of another."""
    preprocessing, phi = plan().build_preprocessing(), CENTRED.initial(seed=0)
    former = {name: value.clone() for name, value in phi.items()}
    former["body.centre.moments"] += 0.1
    for one in (phi, former):
        assert after_warm_up.measure_features(CENTRED, one, preprocessing, TRAINING, quiet=True)
    assert all(torch.equal(value, former[name]) for name, value in phi.items())


def test_measuring_after_the_warm_up_can_be_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(after_warm_up, "_AT_ONCE", 40)
    measured = []

    def embedding(backbone, body):
        embed = at_rest(backbone, body)

        def interrupted(images):
            measured.append(len(images))
            if len(measured) == 2:
                signal.raise_signal(signal.SIGTERM)
            return embed(images)

        return interrupted

    whole = Trainer(plan(), TRAINING, VALIDATION, tmp_path / "whole")
    whole.run()
    broken = Trainer(plan(), TRAINING, VALIDATION, tmp_path / "broken")
    with monkeypatch.context() as patched:
        patched.setattr(after_warm_up, "at_rest", embedding)
        with pytest.raises(KeyboardInterrupt):
            broken.run()
    assert measured == [40, 40]  # of 160
    resumed = Trainer(plan(), TRAINING, VALIDATION, tmp_path / "broken")
    resumed.resume()
    assert resumed.progress.step == 10
    resumed.run()
    assert all(torch.equal(value, resumed.phi[name]) for name, value in whole.phi.items())
