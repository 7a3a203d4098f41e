"""``python -m training calibrate --set``: other views, another use of the scatter, with the same phi."""

import dataclasses

import pytest
import torch

from models.initialization import WEIGHTS, load
from models.learner import BODY, part
from tests.training.tiny_lda import published
from tests.training.tiny_run import TRAINING, VALIDATION
from training.__main__ import main
from training.commands import calibrate as command
from training.run.run_classes import RunClasses

MEASURED = {
    "body.centre.moments",
    "head.directions.moments",
    "head.spread.moments",
    "head.strangers.moments",
}

# Features are measured, as in training, on all classes of the training tasks, not on the data set's alone.
CLASSES = RunClasses(TRAINING.subset(range(10)), TRAINING, VALIDATION)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return published(tmp_path_factory.mktemp("run"), seed=0)


@pytest.fixture
def calibrated(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "load_classes", lambda *_, **__: CLASSES)
    monkeypatch.setattr(command, "load_split", lambda *_, **__: VALIDATION)
    out = tmp_path / "changed"

    def run(*settings, more=()):
        options = [*more, *(part for setting in settings for part in ("--set", setting))]
        return main(["calibrate", str(folder), "--out", str(out), "--tasks", "5", *options]), out

    return run


def test_views_change_and_what_was_measured_with_them(folder, calibrated):
    views = "[[0, 0, 0], [0, 0, 0, true, 0.2]]"
    status, out = calibrated("learner.head.pull=2", f"learner.backbone.views={views}")
    before, after = load(folder), load(out)
    assert status == 0
    assert after.learner.head.pull == 2
    assert len(after.learner.backbone.views) == 2
    assert after.card["recipe"]["learner"] == after.card["learner"]
    assert after.card["trained_on"] == before.card["trained_on"]
    moved = {name for name, value in before.phi.items() if not torch.equal(value, after.phi[name])}
    assert moved == MEASURED
    uncentred = dataclasses.replace(after.learner.backbone, centred=False)
    features = uncentred(part(after.phi, BODY), after.preprocessing.normalise(TRAINING.images)[None])[0][0]
    torch.testing.assert_close(after.phi["body.centre.moments"], features.mean(0), rtol=1e-4, atol=1e-5)


def test_maps_that_features_are_of_change_and_what_was_measured_of_them(folder, calibrated):
    status, out = calibrated("learner.backbone.earlier=[[stage1.1, 0.5]]", "learner.backbone.centred=false")
    before, after = load(folder), load(out)
    assert status == 0
    assert after.learner.backbone.features == 16 + 8
    assert set(before.phi) - set(after.phi) == {"body.centre.moments"}
    assert after.phi["head.directions.moments"].shape[0] == 24
    learned = set(after.phi) - MEASURED
    assert all(torch.equal(before.phi[name], after.phi[name]) for name in learned)
    features = after.embedding(after.preprocessing.normalise(TRAINING.images))
    means = features.view(len(TRAINING), -1, 24).mean(1)
    strangers = after.phi["head.strangers.moments"]
    assert all(torch.isclose(strangers, mean, atol=1e-5).all(1).any() for mean in means)


def test_nothing_set_leaves_all_of_phi(folder, calibrated):
    status, out = calibrated()
    assert status == 0
    assert load(out).version == load(folder).version
    assert load(out).card["recipe"] == load(folder).card["recipe"]


@pytest.mark.parametrize("settings", [(), ("learner.head.pull=2",)])
def test_halved_kernels_take_half_the_room(folder, calibrated, settings):
    status, out = calibrated(*settings, more=["--halves"])
    before, after = load(folder), load(out)
    assert status == 0
    kernels = [name for name, value in before.phi.items() if value.ndim == 4]
    assert kernels
    for name, value in after.phi.items():
        if name in kernels:
            assert torch.equal(value, before.phi[name].half().float()), name
        elif name not in MEASURED or not settings:
            assert torch.equal(value, before.phi[name]), name
    saved = sum(2 * before.phi[name].numel() for name in kernels)
    size = [(one / WEIGHTS).stat().st_size for one in (folder, out)]
    assert size[0] - size[1] == pytest.approx(saved, abs=64)  # the header names another type


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("outer.steps=3", "takes keys of the learner"),
        ("learner.backbone.signd=true", "unknown key learner.backbone.signd"),
        ("learner.head.pull=-1", "not negative"),
        ("learner.backbone.side=64", "preprocessing.side is 16 and learner.backbone.side is 64"),
        ("learner.backbone.normalisation=group", r"asks for another phi (body.stage1.1.moments)"),
    ],
)
def test_what_takes_training_is_refused(calibrated, capsys, setting, message):
    status, out = calibrated(setting)
    assert status == 2
    assert message in capsys.readouterr().err
    assert not out.exists()
