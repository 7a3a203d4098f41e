"""Distillation: the loss against its plain formula, and a student that learns its teacher's answers."""

import math

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.images.preprocessing import Preprocessing
from models.initialization import learner_as_dict
from models.inner_rule import InnerRule
from models.learner import Learner
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.outer.class_loss import class_loss
from training.outer.distillation import Teacher, distilled
from training.outer.warm_up import by_classes
from training.outer_plan import Outer
from training.recipe import RecipeError
from training.run.checkpoint import CheckpointError
from training.run.class_teacher import class_teacher
from training.run.trainer import CHECKPOINT, Trainer

CPU = torch.device("cpu")
LEARNER = Learner(Conv4(1, 16, 8, "pool", "running", 4, unit=True), Head("prototype", 8.0), InnerRule("head", 1))


def plan(teacher="", warm_up_loss="classes", **changes):
    outer = Outer(
        tasks=2, steps=30, warm_up=30, warm_up_loss=warm_up_loss, teacher=str(teacher), learning_rate=0.01
    )
    return recipe(**({"learner": learner_as_dict(LEARNER), "outer": outer} | changes))


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    trainer = Trainer(plan(), TRAINING, VALIDATION, folder)
    trainer.run()
    return folder, trainer


def test_the_loss_is_half_by_the_classes_and_half_by_the_teacher():
    generator = torch.Generator().manual_seed(0)
    mine, wanted = torch.randn(2, 3, 4, generator=generator) * 3
    classes = torch.tensor([2, 0, 1])

    def softened(row):
        powers = [math.exp(value / 4) for value in row]
        return [power / sum(powers) for power in powers]

    by_class, divergence = 0.0, 0.0
    for student, teacher, right in zip(mine.tolist(), wanted.tolist(), classes.tolist(), strict=True):
        by_class -= math.log(math.exp(student[right]) / sum(math.exp(value) for value in student)) / 3
        pairs = zip(softened(teacher), softened(student), strict=True)
        divergence += sum(p * math.log(p / q) for p, q in pairs) / 3
    loss, _ = class_loss(mine[:, None], classes)
    assert float(loss) == pytest.approx(by_class, rel=1e-5)
    assert float(distilled(loss, mine, wanted)) == pytest.approx(0.5 * by_class + 0.5 * 16 * divergence, rel=1e-5)


def test_the_teacher_answers_as_its_run_ended_and_does_not_learn(taught):
    folder, trainer = taught
    teacher = class_teacher(plan(folder), len(TRAINING), CPU)
    assert teacher.phi.keys() == trainer.phi.keys()
    assert all(torch.equal(teacher.phi[name], value) for name, value in trainer.phi.items())
    student = Trainer(plan(folder, seed=8), TRAINING, VALIDATION, folder / "student")
    batch = student.tasks.sampler.batch(0, 2)
    alone = by_classes(LEARNER, student.phi, batch)
    both = by_classes(LEARNER, student.phi, batch, teacher=teacher)
    assert float(both.loss.detach()) > 0.5 * float(alone.loss.detach())  # the divergence is positive
    assert torch.equal(both.accuracy, alone.accuracy)
    both.loss.backward()
    assert all(value.grad is None for value in teacher.phi.values())


def test_a_student_comes_to_answer_as_its_teacher(taught, tmp_path):
    folder, _ = taught
    teacher = class_teacher(plan(folder), len(TRAINING), CPU)
    apart = []
    for of_run in (plan(seed=8), plan(folder, seed=8)):
        trainer = Trainer(of_run, TRAINING, VALIDATION, tmp_path / str(len(apart)))
        trainer.run()
        batch = trainer.tasks.sampler.batch(99, 2)
        images = batch.query_images.flatten(0, 1)
        answers = Teacher(trainer.learner, trainer.phi).logits(images)
        apart.append(float(distilled(torch.zeros(()), answers, teacher.logits(images)).detach()))
    assert apart[1] < apart[0]


def test_runs_that_cannot_teach_are_refused(taught, tmp_path):
    folder, _ = taught
    with pytest.raises(RecipeError, match="name the folder of a run"):
        class_teacher(plan(tmp_path), len(TRAINING), CPU)
    with pytest.raises(RecipeError, match="not trained to tell these 7 classes apart"):
        class_teacher(plan(folder), 7, CPU)
    other = Preprocessing("drawing", 16, 1, margin=0.1).as_dict()
    with pytest.raises(RecipeError, match="differs in preprocessing"):
        class_teacher(plan(folder, preprocessing=other), len(TRAINING), CPU)
    with pytest.raises(RecipeError, match=r"set outer\.warm_up_loss to classes"):
        plan(folder, warm_up_loss="episodes").build_learner()
    (tmp_path / CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="damaged"):
        class_teacher(plan(tmp_path), len(TRAINING), CPU)
