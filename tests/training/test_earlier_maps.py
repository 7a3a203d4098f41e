"""Classes are told apart by the last maps alone, whatever features are made of, and so a teacher answers."""

import dataclasses

import torch

from models.initialization import learner_as_dict, load
from models.learner import BODY, Learner, part
from tests.training.tiny_lda import BACKBONE, LEARNER, OUTER, published
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.outer.class_loss import class_logits, initial_centres
from training.outer.warm_up import by_classes
from training.run.class_teacher import class_teacher
from training.run.pretrained import pretrained_start
from training.run.publication import publish_run
from training.run.trainer import Trainer
from training.tasks.episodes import EpisodeSampler

VIEWS = ((0, 0, 0), (0, 0, 0, True, 0.2))
DEEP = dataclasses.replace(
    LEARNER, backbone=dataclasses.replace(BACKBONE, earlier=(("stage1.1", 0.5),), views=VIEWS)
)


def plan(learner: Learner, **changes):
    return recipe(**({"learner": learner_as_dict(learner), "outer": OUTER} | changes))


def test_the_loss_and_the_centres_are_those_of_the_last_maps():
    drawn = EpisodeSampler(TRAINING, ways=5, shots=1, queries=2, seed=0).batch(0, 2)
    for every in (False, True):
        losses = [
            by_classes(
                learner,
                learner.initial(0) | initial_centres(learner, len(TRAINING), seed=1),
                drawn,
                every_position=every,
            ).loss
            for learner in (LEARNER, DEEP)
        ]
        assert torch.equal(*losses)


def test_a_run_ends_with_features_of_all_depths_and_goes_on_with_others(tmp_path):
    former = published(tmp_path / "former", seed=0)
    goes_on = plan(DEEP, pretrained=str(former))
    trainer = Trainer(goes_on, TRAINING, VALIDATION, tmp_path, pretrained=pretrained_start(goes_on))
    assert not trainer.phi["body.centre.moments"].any()  # of other features: still to be measured
    kernel = "body.stage2.1.convolution"
    assert torch.equal(trainer.phi[kernel].detach(), load(former).phi[kernel])
    trainer.run()
    folder = tmp_path / "initialization"
    publish_run(goes_on, trainer.best, trainer.progress, TRAINING, VALIDATION, folder, trainer.pretrained)
    found = load(folder)
    assert found.phi["body.centre.moments"].shape == (16 + 8,)
    assert found.phi["head.directions.moments"].shape[0] == 16 + 8
    assert found.embedding(torch.rand(3, 1, 16, 16)).shape == (3, 16 + 8)
    assert found.card["evaluation"][0]["accuracy"] > 0.3  # of 5 ways


def test_a_teacher_answers_by_the_features_that_it_learned_to_tell_classes_by(tmp_path):
    trainer = Trainer(plan(DEEP), TRAINING, VALIDATION, tmp_path)
    trainer.run()
    teacher = class_teacher(
        plan(LEARNER, outer=dataclasses.replace(OUTER, teacher=str(tmp_path))), 20, torch.device("cpu")
    )
    images = trainer.preprocessing.normalise(TRAINING.images)
    plain = dataclasses.replace(BACKBONE, centred=False)  # one view, no centre, the last maps
    features = plain(part(trainer.phi, BODY), images[None])[0][0]
    torch.testing.assert_close(teacher.logits(images), class_logits(LEARNER, trainer.phi, features).detach())
