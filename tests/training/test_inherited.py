"""Where hardly an answer is wrong, a run keeps the confidence of the initialization that it continued from."""

import shutil
import warnings
from dataclasses import replace

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.initialization import learner_as_dict, load
from models.inner_rule import InnerRule
from models.learner import Learner
from models.task_size import TaskSize
from tests.training.tiny_run import TRAINING, noisy_classes, recipe
from training.__main__ import main
from training.commands.table import card_table
from training.measures.evaluation import measure
from training.measures.inherited import FEWEST_WRONG, Inherited, too_few_wrong
from training.measures.measured import Protocol
from training.run.checkpoint import Progress
from training.run.pretrained import pretrained_start
from training.run.publication import publish_run

# Of 7 images, so that no time goes by on tasks of divided classes (see ``tiny_run``).
EASY, HARD = noisy_classes(10, seed=1, images=7, noise=0.1), noisy_classes(40, seed=2, images=7, noise=0.95)
SIZE = TaskSize.of(5, 1)


def unadapted(**changes):
    """The tiny recipe, without inner steps, which a larger scale would change."""
    learner = Learner(Conv4(1, 16, 8, groups=4), Head("prototype"), InnerRule("nothing", 0))
    return recipe(learner=learner_as_dict(learner), **changes)


def published(folder, validation, phi=None, **changes):
    """An initialization, from a start and not a step further unless phi is given."""
    plan = unadapted(**changes)
    start = pretrained_start(plan)
    phi = phi or (start.phi if start else plan.build_learner().initial(seed=0))
    return publish_run(plan, phi, Progress(), TRAINING, validation, folder, start)


@pytest.fixture(scope="module")
def former_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("former") / "hard"


@pytest.fixture(scope="module")
def former(former_folder):
    """Fitted on classes that are often mistaken."""
    return published(former_folder, HARD)


@pytest.fixture(scope="module")
def easy(former, former_folder, tmp_path_factory):
    """Continued from it, with a scale of its own, and measured on classes that hardly ever are."""
    folder = tmp_path_factory.mktemp("easy")
    phi = {**former.phi, "head.log_scale": former.phi["head.log_scale"] + 1}
    return published(folder / "easy", EASY, phi, pretrained=str(former_folder)), folder / "easy"


def test_what_cannot_be_fitted_is_kept_and_told(former, easy):
    found, _ = easy
    assert found.confidence.expectation == former.confidence.expectation
    assert found.confidence.familiar == former.confidence.familiar
    source = {"name": "tiny", "version": former.version}
    assert found.card["calibration"]["inherited"] == source
    assert f"that of tiny\n{former.version}, which" in card_table(found.card)
    assert "inherited" not in former.card["calibration"]
    assert "continued from" not in card_table(former.card)


def test_a_phi_that_still_trains_is_read_without_a_warning(former):
    phi = {name: value.clone().requires_grad_() for name, value in former.phi.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Inherited.of(former, former.learner, phi).confidence == former.confidence


def test_probabilities_are_the_same_at_another_scale_of_the_logits(former, easy):
    found, _ = easy
    logits = torch.randn(20, 5, generator=torch.Generator().manual_seed(0))
    before, after = (
        former.confidence.probabilities(logits, SIZE),
        found.confidence.probabilities(logits * torch.e, SIZE),
    )
    torch.testing.assert_close(before, after, rtol=1e-5, atol=1e-6)


def test_a_run_whose_answers_are_often_wrong_is_fitted_anew(former, former_folder, tmp_path):
    found = published(tmp_path / "again", HARD, pretrained=str(former_folder))
    assert "inherited" not in found.card["calibration"]


def test_calibrating_again_keeps_it(easy, tmp_path, monkeypatch):
    found, folder = easy
    shutil.copytree(folder, tmp_path / "easy")
    monkeypatch.setattr("training.commands.calibrate.load_split", lambda *_, **__: EASY)
    main(["calibrate", str(tmp_path / "easy"), "--tasks", "5"])
    kept = load(tmp_path / "easy")
    assert kept.confidence == found.confidence
    assert kept.card["calibration"]["inherited"] == found.card["calibration"]["inherited"]


def test_other_features_or_another_head_inherit_nothing(former):
    learner = unadapted().build_learner()
    assert Inherited.of(former, learner, former.phi).confidence == former.confidence
    assert Inherited.of(former, replace(learner, head=Head("ridge")), former.phi) is None
    wider = replace(learner.backbone, unit=not learner.backbone.unit)
    assert Inherited.of(former, replace(learner, backbone=wider), former.phi) is None


def test_wrong_answers_count_in_images(former):
    protocol = Protocol(5, 1, 4, 200, seed=0)
    learner, preprocessing = unadapted().build_learner(), unadapted().build_preprocessing()
    found = [measure(learner, former.phi, preprocessing, HARD, protocol)]
    wrong = 1 - found[0].accuracy
    assert 0.2 < wrong < 0.9
    assert too_few_wrong(found, int(FEWEST_WRONG / wrong) - 1)
    assert not too_few_wrong(found, int(FEWEST_WRONG / wrong) + 1)
