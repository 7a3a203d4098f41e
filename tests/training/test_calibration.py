"""Confidence fitted on validation tasks holds on others."""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace

import pytest
import torch

from models.confidence import KEPT, Confidence
from models.heads import Head
from models.inner_rule import InnerRule
from models.learner import Learner
from models.support import Support
from models.support_geometry import SupportGeometry
from models.task_size import TaskSize
from tests.made_confidence import constant_confidence
from tests.training.tiny_run import VALIDATION, noisy_classes, recipe
from training.datasets.class_images import ClassImages
from training.measures import calibration
from training.measures.alike_classes import of_each
from training.measures.calibration import calibrate, fit_confidence, protocols
from training.measures.evaluation import embedded, measure
from training.measures.measured import Measured, Protocol
from training.measures.regressions import (
    falling_weights,
    linear_weights,
    quantile_weights,
)

PLAN = recipe()
LEARNER, PREPROCESSING = PLAN.build_learner(), PLAN.build_preprocessing()
PHI = LEARNER.initial(seed=0)
# Without inner steps, features are computed once: for what does not depend on how a task is learned.
STILL = Learner(LEARNER.backbone, Head("prototype"), InnerRule("nothing", 0))
CLASSES = noisy_classes(12, seed=3, images=40)


@pytest.fixture(scope="module")
def measured() -> list[Measured]:
    """One- and three-shot tasks."""
    return [
        measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, shots, 4, 100, seed=0)) for shots in (1, 3)
    ]


@pytest.fixture(scope="module")
def calibrated() -> tuple[ClassImages, Confidence, Sequence[Measured]]:
    """Classes, the confidence of the learner that adapts, and the usual tasks among those it was fitted on."""
    given: list[Sequence[Measured]] = []

    def noted(fitted: Sequence[Measured], alike: Sequence[Measured]) -> Confidence:
        given.append(fitted)
        return fit_confidence(fitted, alike)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "fit_confidence", noted)
        confidence = calibrate(LEARNER, PHI, PREPROCESSING, CLASSES, 20, features=None)
    return CLASSES, confidence, given[0]


def _confident(one: Measured, sharper: float) -> Measured:
    """The same tasks, with answers that are right as often as their softmax says, but for ``sharper``."""
    generator = torch.Generator().manual_seed(one.protocol.shots)
    true_logits = torch.randn(one.logits.shape, generator=generator) * 2
    shares = true_logits.softmax(-1).flatten(0, 1)
    labels = torch.multinomial(shares, 1, generator=generator).view(one.labels.shape)
    return replace(one, logits=true_logits * sharper, labels=labels)


def test_fitted_temperature_makes_the_mean_confidence_the_accuracy_at_each_size(measured):
    overconfident = [_confident(one, sharper) for one, sharper in zip(measured, (4.0, 2.0), strict=True)]
    confidence = fit_confidence(overconfident)
    for one, sharper in zip(overconfident, (4.0, 2.0), strict=True):
        assert confidence.temperature(one.protocol.size) == pytest.approx(sharper, rel=0.1)
        assert one.calibration_error(confidence) < 0.03
        assert one.calibration_error(constant_confidence()) > 0.1


def test_fitted_temperature_follows_a_power_of_the_shots(measured):
    few = measured[1]
    many = replace(few, logits=few.logits.repeat(1, 10, 1), labels=few.labels.repeat(1, 10))
    powers = {shots: shots**-0.8 for shots in (1, 2, 3, 5, 10)}
    ofs = [
        _confident(replace(many, protocol=replace(many.protocol, shots=shots)), sharper)
        for shots, sharper in powers.items()
    ]
    confidence = fit_confidence(ofs)
    for shots, sharper in powers.items():
        assert confidence.temperature(TaskSize.of(5, shots)) == pytest.approx(sharper, rel=0.05)


def test_the_thresholds_keep_the_shares_of_known_items_at_each_size(measured):
    generator = torch.Generator().manual_seed(0)
    known = [
        replace(one, familiarities=torch.rand(100, 20, generator=generator) / one.protocol.shots)
        for one in measured
    ]
    confidence = fit_confidence(known)
    for one in known:
        for share in (*KEPT, 0.945):
            threshold = confidence.known_above(one.protocol.size, share)
            assert (one.familiarities >= threshold).double().mean() == pytest.approx(share, abs=0.005)


def test_calibration_holds_on_other_tasks(calibrated):
    classes, confidence, _ = calibrated
    assert all(torch.isfinite(torch.tensor(list(one.as_dict().values()))).all() for one in confidence.familiar)
    other = measure(LEARNER, PHI, PREPROCESSING, classes, Protocol(5, 2, 10, 100, seed=9, strangers=5))
    unknown, estimates = other.unknown(confidence), other.estimates(confidence)
    assert unknown.kept == pytest.approx(0.95, abs=0.03)
    assert unknown.auroc > 0.6
    assert unknown.flagged > 1 - unknown.kept
    assert 0.9 <= estimates.coverage <= 1
    assert estimates.width < 0.8
    assert other.calibration_error(confidence) < 0.1


def test_an_interval_reaches_as_far_to_either_side_as_accuracies_do(measured):
    reached = torch.full((100,), 0.85, dtype=torch.float64)
    reached[::10] = 0.35
    skewed = [replace(one, accuracies=reached) for one in measured]
    confidence = fit_confidence(skewed)
    for one in skewed:
        (found, *_) = confidence.expectation.estimates(one.geometry[0])
        assert found.accuracy == pytest.approx(0.8, abs=0.03)
        assert found.low == pytest.approx(0.35, abs=0.05)
        assert found.high == pytest.approx(0.85, abs=0.03)


def test_classes_that_are_one_and_the_same_are_recognised(calibrated):
    classes, confidence, fitted = calibrated
    without = fit_confidence(fitted)

    def error_ratio(some: ClassImages, *, within_group: bool) -> float:
        protocol = Protocol(5, 3, 5, 100, seed=9, within_group=within_group)
        found = measure(LEARNER, PHI, PREPROCESSING, some, protocol)
        return found.estimates(confidence).error / found.estimates(without).error

    ((all_alike, _), (some_alike, _)) = of_each(classes, None, seed=5)
    assert error_ratio(all_alike, within_group=True) < 0.5
    assert error_ratio(some_alike, within_group=True) < 0.6
    assert error_ratio(classes, within_group=False) < 1.1
    for formula in (confidence.expectation.of_means, confidence.expectation.of_left_out):
        assert formula.overlap is not None
        assert formula.overlap.softness >= 0.02, "no step, by which nearly equal tasks would differ"


def test_with_ten_images_a_class_they_are_recognised_by_several_examples_too():
    (all_alike, features), _ = of_each(CLASSES, embedded(STILL, PHI, PREPROCESSING, CLASSES), seed=5)
    few = noisy_classes(12, seed=3, images=10)
    confidence = calibrate(STILL, PHI, PREPROCESSING, few, 100, features=embedded(STILL, PHI, PREPROCESSING, few))
    protocol = Protocol(5, 3, 5, 100, seed=9, within_group=True)
    found = measure(STILL, PHI, PREPROCESSING, all_alike, protocol, features=features)
    estimates = [one for geometry in found.geometry for one in confidence.expectation.estimates(geometry)]
    assert sum(one.accuracy for one in estimates) / len(estimates) < 0.45  # 0.2 are right


def test_estimates_do_not_depend_on_the_scale_of_features():
    """A network whose features have any length may scatter by thousands: its card must still come about."""
    classes = noisy_classes(12, seed=3, images=20)
    features = embedded(STILL, PHI, PREPROCESSING, classes)
    protocol = Protocol(5, 3, 5, 40, seed=9)
    found = []
    for scale in (1, 200):
        known = scale * features
        confidence = calibrate(STILL, PHI, PREPROCESSING, classes, 20, features=known)
        found.append(measure(STILL, PHI, PREPROCESSING, classes, protocol, features=known).estimates(confidence))
    assert found[0].error == pytest.approx(found[1].error, abs=0.01)


@pytest.mark.parametrize(
    ("classes", "seed", "images", "noise", "tasks"),
    [(2, 227, 20, 0.2, 20), (2, 551, 30, 0.8, 5), (2, 879, 8, 0.4, 5), (4, 501, 8, 0.6, 1), (7, 763, 8, 0.95, 2)],
)
def test_few_tasks_of_few_classes_do_not_lead_the_fit_astray(classes, seed, images, noise, tasks):
    """Numbers out of range would end a training after its last step."""
    few = noisy_classes(classes, seed, images, noise)
    features = embedded(STILL, PHI, PREPROCESSING, few)
    confidence = calibrate(STILL, PHI, PREPROCESSING, few, tasks, features=features)
    found = measure(STILL, PHI, PREPROCESSING, few, Protocol(2, 2, 4, 50, seed=9), features=features)
    assert all(math.isfinite(one) for one in asdict(found.estimates(confidence)).values())
    assert found.calibration_error(confidence) < 0.5


def test_sizes_are_those_that_the_classes_allow():
    classes = noisy_classes(12, seed=3, images=5)
    found = list(protocols(classes, 7))
    assert {(one.ways, one.shots) for one in found} == {(w, s) for w in (2, 5, 10) for s in (1, 2, 3)}
    assert {one.shots + one.queries for one in found} == {5}
    assert {one.episodes for one in found} == {7}
    assert not any(one.within_group for one in found), "one group: its tasks are those across"
    halves = type(classes)(classes.images, classes.offsets, classes.classes, ("a",) * 6 + ("b",) * 6)
    within = [one for one in protocols(halves, 7) if one.within_group]
    assert {one.ways for one in within} == {2, 5}


def test_regressions_find_what_made_the_values():
    generator = torch.Generator().manual_seed(0)
    terms = torch.cat([torch.ones(4000, 1), torch.rand(4000, 2, generator=generator)], 1).double()
    weights = torch.tensor([0.5, -2.0, 1.0], dtype=torch.float64)
    sums = terms @ weights
    torch.testing.assert_close(linear_weights(terms, sums), weights, rtol=0, atol=1e-3)
    widths = sums.exp() * torch.rand(4000, generator=generator, dtype=torch.float64)
    of_most = quantile_weights(terms, widths, 0.9)
    torch.testing.assert_close(of_most, weights + torch.tensor([math.log(0.9), 0, 0]), rtol=0, atol=0.1)
    assert (widths < (terms @ of_most).exp()).double().mean() == pytest.approx(0.9, abs=0.01)


def _falling(terms: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    def loss(given: torch.Tensor, weights: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(given @ weights, shares)

    return falling_weights(terms, loss, 0)[0]


def test_no_term_may_raise_a_falling_share():
    generator = torch.Generator().manual_seed(0)
    terms = torch.cat([torch.ones(4000, 1), torch.rand(4000, 3, generator=generator)], 1).double()
    found = _falling(terms, (terms @ torch.tensor([0.5, -2.0, 1.0, -0.5], dtype=torch.float64)).sigmoid())
    assert found[2] == 0
    assert found[1] == pytest.approx(-2, abs=0.1)
    assert found[3] == pytest.approx(-0.5, abs=0.1)
    found = _falling(terms, (terms @ torch.tensor([0.5, -2.0, 0.0, -0.5], dtype=torch.float64)).sigmoid())
    torch.testing.assert_close(found[[0, 1, 3]], torch.tensor([0.5, -2.0, -0.5]).double(), rtol=0, atol=1e-2)


def test_terms_that_hardly_vary_get_no_weight():
    terms = torch.tensor([[1.0, 3.0], [1.0, 3.0 + 1e-5], [1.0, 3.0 - 1e-5]], dtype=torch.float64)
    assert linear_weights(terms, torch.tensor([0.0, 1.0, -1.0]).double())[1] == 0


def test_where_all_was_right_alike_classes_are_doubted_all_the_same():
    """Drawings that cannot be mistaken teach nothing of mistakes; two classes of the same image are still two."""
    easy = noisy_classes(12, seed=3, images=16, noise=0.01)
    features = embedded(STILL, PHI, PREPROCESSING, easy)
    confidence = calibrate(STILL, PHI, PREPROCESSING, easy, 40, features=features)
    for shots in (1, 3):
        labels = torch.arange(2).repeat_interleave(shots)
        support = Support.of_task(easy.images[:1].float().div(255).expand(2 * shots, -1, -1, -1), labels)
        alike = SupportGeometry.of(torch.ones(1, 2 * shots, 4), support)
        (estimate,) = confidence.expectation.estimates(alike)
        assert estimate.accuracy < 0.9
        assert estimate.low < estimate.accuracy


def test_of_one_size_alone_the_fit_is_a_constant():
    one = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, 2, 4, 50, seed=0))
    confidence = fit_confidence([one])
    assert confidence.temperature(TaskSize.of(5, 2)) == pytest.approx(
        confidence.temperature(TaskSize.of(5, 4)), rel=0.2
    )
    assert confidence.known_above(TaskSize.of(5, 2)) == pytest.approx(confidence.known_above(TaskSize.of(20, 1)))
