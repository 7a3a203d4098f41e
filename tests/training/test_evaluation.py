"""Evaluation: inductive, repeatable, right about its intervals and calibration."""

import pytest
import torch

from models.confidence import Confidence, Expected
from models.initialization import learner_from_dict
from models.learner import Learner
from tests.training.tiny_run import VALIDATION, noisy_classes, recipe
from training.measures.calibration import Fitted, fit_confidence
from training.measures.evaluation import Measured, Protocol, measure

PLAN = recipe()
LEARNER, PREPROCESSING = PLAN.build_learner(), PLAN.build_preprocessing()
PHI = LEARNER.initial(seed=0)


def test_the_same_seed_repeats_and_another_does_not():
    first = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, 1, 2, 30, seed=0))
    again = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, 1, 2, 30, seed=0))
    other = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, 1, 2, 30, seed=1))
    assert torch.equal(first.logits, again.logits)
    assert not torch.equal(first.logits, other.logits)


def test_answers_do_not_depend_on_how_many_tasks_run_together(monkeypatch):
    together = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, 1, 2, 12, seed=0))
    monkeypatch.setattr("training.measures.evaluation._IMAGES_AT_ONCE", 1)
    alone = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, 1, 2, 12, seed=0))
    torch.testing.assert_close(alone.logits, together.logits, rtol=1e-4, atol=1e-4)
    assert torch.equal(alone.accuracies, together.accuracies)


@pytest.mark.parametrize("normalisation", ["group", "running"])
def test_kept_features_give_the_answers_of_features_computed_anew(monkeypatch, normalisation):
    plan = recipe()
    plan.learner["backbone"]["normalisation"] = normalisation
    plan.learner["rule"]["moves"] = "head"
    learner, protocol = learner_from_dict(plan.learner), Protocol(3, 2, 2, 20, seed=0)
    phi = learner.initial(0)
    assert learner.keeps_features
    kept = measure(learner, phi, PREPROCESSING, VALIDATION, protocol)
    monkeypatch.setattr(Learner, "keeps_features", False)
    anew = measure(learner, phi, PREPROCESSING, VALIDATION, protocol)
    torch.testing.assert_close(kept.logits, anew.logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(kept.familiarities, anew.familiarities)


def test_accuracy_on_indistinguishable_classes_is_chance():
    noise = noisy_classes(12, seed=5)
    same = torch.randint(0, 256, noise.images.shape, generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    noise = type(noise)(same, noise.offsets, noise.classes, noise.groups)
    measured = measure(LEARNER, PHI, PREPROCESSING, noise, Protocol(4, 1, 2, 300, seed=0))
    assert abs(measured.accuracy - 0.25) < 3 * measured.interval
    assert 0 < measured.interval < 0.05


def _measured(logits, labels):
    right = (logits.argmax(-1) == labels).double().mean(1)
    return Measured(right, logits, labels, torch.full(labels.shape, 0.9))


def test_interval_is_that_of_the_mean_over_tasks():
    accuracies = torch.tensor([0.0, 0.5, 1.0, 0.5], dtype=torch.float64)
    measured = Measured(accuracies, torch.zeros(4, 1, 2), torch.zeros(4, 1, dtype=torch.int64), torch.zeros(4, 1))
    assert measured.accuracy == 0.5
    assert measured.interval == pytest.approx(1.959964 * (0.5 / 3) ** 0.5 / 2)


def test_calibration_error_of_an_overconfident_answer():
    logits = torch.tensor([[[9.0, 0.0], [9.0, 0.0], [9.0, 0.0], [9.0, 0.0]]])
    labels = torch.tensor([[0, 0, 0, 1]])
    sure = Confidence(1.0, 0.0, (Expected(2, 1, 0.75, 0.5, 1.0),))
    assert _measured(logits, labels).calibration_error(sure) == pytest.approx(0.25, abs=1e-3)


def test_fitted_temperature_makes_the_mean_confidence_the_accuracy():
    generator = torch.Generator().manual_seed(0)
    true_logits = torch.randn(200, 10, 5, generator=generator) * 2
    shares = true_logits.softmax(-1).flatten(0, 1)
    labels = torch.multinomial(shares, 1, generator=generator).view(200, 10)
    overconfident = _measured(true_logits * 4, labels)
    confidence = fit_confidence([Fitted(Protocol(5, 1, 2, 200, 0), overconfident)])
    assert confidence.temperature == pytest.approx(4, rel=0.1)
    assert overconfident.calibration_error(confidence) < 0.03
    assert overconfident.calibration_error(Confidence(1.0, 0.0, confidence.expected)) > 0.1


def test_the_threshold_keeps_95_percent_of_known_items():
    labels = torch.zeros(100, 10, dtype=torch.int64)
    familiarities = torch.rand(100, 10, generator=torch.Generator().manual_seed(0))
    measured = Measured(torch.ones(100).double(), torch.zeros(100, 10, 2), labels, familiarities)
    confidence = fit_confidence([Fitted(Protocol(2, 1, 5, 100, 0), measured)])
    assert (familiarities >= confidence.known_above).float().mean() == pytest.approx(0.95, abs=0.002)
