"""A teacher whose features are looked up: what it has seen, and what a student learns of it."""

import dataclasses
import errno
import os
import signal

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.backbones.staged import Staged
from models.heads import Head
from models.images.preprocessing import Preprocessing
from models.initialization import learner_as_dict, load, save
from models.inner_rule import InnerRule
from models.learner import BODY, Learner, part
from tests.made_confidence import constant_confidence
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.outer.likeness import likeness_loss
from training.outer.processes import Processes
from training.outer_plan import Outer
from training.recipe import Data, Episodes, Jitter, RecipeError
from training.run import feature_teacher
from training.run.after_warm_up import measure_features
from training.run.checkpoint import CHECKPOINT
from training.run.feature_teacher import FOLDER, FeatureFileError, FeatureTeacher
from training.run.interruption import Interruption
from training.run.publication import publish_run
from training.run.trainer import Trainer
from training.tasks import training_tasks

STAGES = ({"width": 8, "halving": "stride"}, {"width": 16, "halving": "stride"})
TEACHER = Learner(
    Staged(1, 16, STAGES, unit=True, signed=True, centred=True, views=((0, 0, 0), (5, 0, 0))),
    Head("prototype", 8.0),
    InnerRule("head", 1),
)
STUDENT = Learner(Staged(1, 16, STAGES, unit=True, signed=True), Head("prototype", 8.0), InnerRule("head", 1))


def plan(teacher="", *, views=2, outer=None, **changes):
    told = {"tasks": 2, "steps": 60, "warm_up": 59, "warm_up_loss": "likeness", "learning_rate": 0.01}
    if not views:
        told["warm_up_loss"] = "classes"
    whole = Outer(**(told | {"feature_teacher": str(teacher), "feature_views": views} | (outer or {})))
    return recipe(**({"learner": learner_as_dict(STUDENT), "outer": whole, "class_jitter": Jitter()} | changes))


def taught(teacher, out, **changes):
    return Trainer(plan(teacher, **changes), TRAINING, VALIDATION, out, cache=out)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """The folder of an initialization, as a former run of the same data would have left it."""
    folder, preprocessing = tmp_path_factory.mktemp("former"), plan(views=0).build_preprocessing()
    phi = TEACHER.initial(seed=1)
    measure_features(TEACHER, phi, preprocessing, TRAINING)  # from their centre, directions differ
    save(
        folder,
        name="former",
        learner=TEACHER,
        phi=phi,
        preprocessing=preprocessing,
        confidence=constant_confidence(),
        facts={"recipe": plan(views=0).as_dict(), "licence": "none"},
    )
    return folder


def features_of(trainer, phi, places, view):
    images = trainer.tasks.view(places, view)
    return trainer.learner.backbone(part(phi, BODY), images[None])[0][0]


def test_it_knows_what_it_makes_of_the_images_that_steps_show(teacher, tmp_path):
    trainer = taught(teacher, tmp_path)
    assert trainer.feature_teacher.prepare(Interruption())
    without_views = dataclasses.replace(TEACHER.backbone, views=())
    features = torch.eye(5, 8)
    for step in range(4):
        batch = trainer.tasks.of_step(step)
        places = torch.cat([batch.support_places, batch.query_places], 1)[0, :5]
        images = torch.cat([batch.support.images, batch.query_images], 1)[0, :5]
        torch.testing.assert_close(trainer.tasks.view(places, step % 2), images)
        known = without_views(part(load(teacher).phi, BODY), images[None])[0][0]
        found = trainer.feature_teacher(features, places, step)
        assert float(found) == pytest.approx(float(likeness_loss(features, known)), rel=0.02)
    other = trainer.feature_teacher(features, places, step + 1)
    assert float(other) != pytest.approx(float(found), rel=0.02)


def test_a_student_comes_to_find_alike_what_its_teacher_does(teacher, tmp_path):
    trainer = taught(teacher, tmp_path)
    places = torch.arange(0, len(TRAINING.images), 3)
    knowing = load(teacher)
    known = knowing.learner.backbone(part(knowing.phi, BODY), trainer.tasks.view(places, 7)[None])[0][0]

    def apart():
        with torch.no_grad():
            return float(likeness_loss(features_of(trainer, trainer.phi, places, 7), known))

    before = apart()
    trainer.run()
    assert apart() < 0.8 * before


@pytest.fixture
def seen(monkeypatch):
    """How many images a teacher has seen, at 50 at once."""
    monkeypatch.setattr(feature_teacher, "_AT_ONCE", 50)
    counts, see = [], FeatureTeacher._see

    def counted(self, view, places):
        see(self, view, places)
        counts.append(len(places))

    monkeypatch.setattr(FeatureTeacher, "_see", counted)
    return counts


def test_an_interrupted_look_goes_on_where_it_was(teacher, tmp_path, monkeypatch, seen):
    whole = taught(teacher, tmp_path / "whole")
    whole.run()
    broken = taught(teacher, tmp_path / "broken")
    seen.clear()
    see = FeatureTeacher._see

    def interrupted(self, view, places):
        see(self, view, places)
        if len(seen) == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(FeatureTeacher, "_see", interrupted)
    with pytest.raises(KeyboardInterrupt):
        broken.run()
    assert (tmp_path / "broken" / CHECKPOINT).exists()
    resumed = taught(teacher, tmp_path / "broken")
    resumed.resume()
    resumed.run()
    assert sum(seen) == 2 * len(TRAINING.images)
    assert all(torch.equal(resumed.phi[name], value) for name, value in whole.phi.items())


def test_what_was_seen_serves_again_where_it_is_whole_and_of_these_images(teacher, tmp_path, seen):
    assert taught(teacher, tmp_path).feature_teacher.prepare(Interruption())
    other_run = Trainer(
        plan(teacher, outer={"steps": 3}), TRAINING, VALIDATION, tmp_path / "other", cache=tmp_path
    )
    assert other_run.feature_teacher.prepare(Interruption())
    assert sum(seen) == 2 * len(TRAINING.images)
    first, _ = sorted((tmp_path / FOLDER).iterdir())
    first.write_bytes(first.read_bytes()[:500])
    assert taught(teacher, tmp_path).feature_teacher.prepare(Interruption())
    assert sum(seen) == 3 * len(TRAINING.images)
    others = dataclasses.replace(TRAINING, images=TRAINING.images.flip(-1))
    with_others = Trainer(plan(teacher), others, VALIDATION, tmp_path, cache=tmp_path)
    assert with_others.feature_teacher.prepare(Interruption())
    assert sum(seen) == 5 * len(TRAINING.images)


def test_one_other_image_is_enough_to_see_all_anew(teacher, tmp_path, seen):
    assert taught(teacher, tmp_path).feature_teacher.prepare(Interruption())
    images = TRAINING.images.clone()
    images[-1] = images[-1].flip(-1)
    others = dataclasses.replace(TRAINING, images=images)
    with_others = Trainer(plan(teacher), others, VALIDATION, tmp_path, cache=tmp_path)
    assert with_others.feature_teacher.prepare(Interruption())
    assert sum(seen) == 4 * len(TRAINING.images)


def test_a_row_that_was_cut_off_is_seen_again(teacher, tmp_path, seen):
    assert taught(teacher, tmp_path).feature_teacher.prepare(Interruption())
    first, _ = sorted((tmp_path / FOLDER).iterdir())
    whole = first.read_bytes()
    row = len(whole) // len(TRAINING.images)
    first.write_bytes(whole[: 3 * row - row // 2] + bytes(row // 2) + whole[3 * row :])
    seen.clear()
    assert taught(teacher, tmp_path).feature_teacher.prepare(Interruption())
    assert sum(seen) == 1
    assert first.read_bytes() == whole


def test_room_for_all_features_is_taken_before_the_first_is_computed(teacher, tmp_path, seen, monkeypatch):
    broken, reserved = taught(teacher, tmp_path), []

    def full(descriptor, offset, size):
        reserved.append(size)
        if len(reserved) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(FeatureFileError) as told:
        broken.run()
    size = len(TRAINING.images) * 16 * 2
    assert reserved == [size, size]
    assert f"former teaches cannot be kept in {tmp_path / FOLDER} ([Errno 28] No space left" in str(told.value)
    assert f"they take {2 * size:,} bytes, in 2 files; make room there and start again" in str(told.value)
    assert not seen
    assert list((tmp_path / FOLDER).iterdir()) == [], "what holds nothing yet takes no room"
    monkeypatch.undo()
    assert taught(teacher, tmp_path).feature_teacher.prepare(Interruption())


@pytest.mark.parametrize("fault", [errno.EOPNOTSUPP, errno.EINVAL])
def test_a_file_system_that_reserves_nothing_still_keeps_features(teacher, tmp_path, seen, monkeypatch, fault):
    def unsupported(*_):
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    assert taught(teacher, tmp_path).feature_teacher.prepare(Interruption())
    assert sum(seen) == 2 * len(TRAINING.images)


def test_what_was_seen_otherwise_does_not_serve(teacher, tmp_path, seen, monkeypatch):
    trainer, former = taught(teacher, tmp_path), load(teacher)
    assert trainer.feature_teacher.prepare(Interruption())
    backbone = dataclasses.replace(former.learner.backbone, signed=False)
    same_weights = dataclasses.replace(former, learner=dataclasses.replace(former.learner, backbone=backbone))
    assert FeatureTeacher(same_weights, trainer.recipe, trainer.tasks, tmp_path).prepare(Interruption())
    assert sum(seen) == 4 * len(TRAINING.images)
    monkeypatch.setattr(training_tasks, "jitter", lambda images, *_, **__: images.flip(-1))
    assert taught(teacher, tmp_path).feature_teacher.prepare(Interruption())
    assert sum(seen) == 6 * len(TRAINING.images)


def test_the_card_tells_of_the_teacher(teacher, tmp_path):
    trainer = taught(teacher, tmp_path, outer={"steps": 2, "warm_up": 1})
    trainer.run()
    best = {name: value.detach() for name, value in trainer.best.items()}
    facts = trainer.feature_teacher.facts
    publish_run(trainer.recipe, best, trainer.progress, TRAINING, VALIDATION, tmp_path / "out", teacher=facts)
    told = load(tmp_path / "out").card["teacher"]
    assert (told["name"], told["version"], told["licence"]) == ("former", load(teacher).version, "none")


def test_what_cannot_teach_is_refused(teacher, tmp_path):
    with pytest.raises(RecipeError, match=r"outer\.feature_teacher: 'nobody' is neither a shipped .*photos\)"):
        taught("nobody", tmp_path)
    other = Preprocessing("drawing", 16, 1, margin=0.1).as_dict()
    with pytest.raises(RecipeError, match=r"former .* differs in preprocessing"):
        taught(teacher, tmp_path, preprocessing=other)
    with pytest.raises(RecipeError, match=r"split by another seed.*set data\.seed to 0"):
        taught(teacher, tmp_path, data=Data("folder", seed=1))
    of_tasks = Learner(Conv4(1, 16, 8, normalisation="support"), Head("prototype"), InnerRule("head", 1))
    card = load(teacher).card
    save(
        tmp_path / "of_tasks",
        name="of-tasks",
        learner=of_tasks,
        phi=of_tasks.initial(seed=0),
        preprocessing=plan(views=0).build_preprocessing(),
        confidence=constant_confidence(),
        facts={"recipe": card["recipe"], "licence": "none"},
    )
    with pytest.raises(RecipeError, match=r"of-tasks .* depends on its task; take a teacher of group or running"):
        taught(tmp_path / "of_tasks", tmp_path)
    with pytest.raises(RecipeError, match="in one process"):
        Trainer(plan(teacher), TRAINING, VALIDATION, tmp_path, processes=Processes(0, 2))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"views": 0, "outer": {"warm_up_loss": "likeness"}},
            r"outer\.feature_views and outer\.warm_up to at least",
        ),
        ({"outer": {"warm_up_loss": "classes"}}, r"set outer\.warm_up_loss to likeness"),
        ({"outer": {"every_position": True}}, r"set outer\.warm_up_loss to classes"),
        ({"class_jitter": Jitter(shear=0.1)}, "leave out class_jitter and task_jitter"),
        ({"episodes": Episodes(5, 1, 2, turning=0.5)}, r"episodes\.turning to 0"),
    ],
)
def test_plans_that_contradict_it_are_refused(changes, told):
    with pytest.raises(RecipeError, match=told):
        plan("photos", **changes).build_learner()
