"""The accuracy to expect of a task, from its support set alone."""

import json
import math
from dataclasses import replace

import pytest
import torch

from models.expectation import Estimate, Expectation, Expected, hints
from models.initialization import load, shipped
from models.overlap import Overlap
from models.support import Support
from models.support_geometry import SupportGeometry
from models.task_size import TaskSize
from tests.made_confidence import constant_confidence, constant_expected

LABELS = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2])


def geometry(features, labels=LABELS):
    support = Support.of_task(torch.zeros(len(labels), 1, 1, 1), labels)
    return SupportGeometry.of(features[None], support)


@pytest.fixture
def features():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(9, 2, generator=generator) + 1.2 * torch.eye(3)[LABELS][:, :2]


def test_left_out_distances_equal_a_plain_loop(features):
    wrong = []
    found = geometry(features)
    for left_out in range(9):
        kept = torch.arange(9) != left_out
        means = torch.stack([features[kept & (label == LABELS)].mean(0) for label in range(3)]).double()
        distances = (features[left_out] - means).square().sum(1)
        torch.testing.assert_close(found.left_out[0, left_out], distances)
        wrong.append(1 - float((-2.0 * distances).softmax(0)[LABELS[left_out]]))
    by_class = [
        sum(w for w, y in zip(wrong, LABELS, strict=True) if y == c) / int((c == LABELS).sum()) for c in range(3)
    ]
    assert float(found.left_out_error(2.0)) == pytest.approx(sum(by_class) / 3)


def test_crowding_equals_a_plain_loop(features):
    means = [features[label == LABELS].mean(0).double() for label in range(3)]
    near = [
        sum(float((-3.0 * (one - other).square().sum()).exp()) for other in means if other is not one)
        for one in means
    ]
    assert float(geometry(features).crowding(3.0)) == pytest.approx(sum(near) / 3)


def test_an_estimate_is_the_formula_written_out():
    """Numbers of its own, not those of the fit, which would go wrong alike."""
    labels, places = torch.tensor([0, 0, 1, 1]), torch.tensor([[0.0], [0.2], [1.0], [1.4]])
    crowding = math.exp(-3.0 * (1.2 - 0.1) ** 2)
    apart = ((0.2, 1.2), (0.2, 1.0), (0.4, 0.9), (0.4, 1.3))  # from each left-out place to either mean
    error = sum(1 / (1 + math.exp(1.5 * (other**2 - own**2))) for own, other in apart) / 4
    terms = [1.0, math.log(2), 1 / 2, math.log(crowding + 0.003), math.log(error + 0.003)]
    found = geometry(places, labels)
    for left_out, count in ((False, 4), (True, 5)):
        told = hints(found, 3.0, left_out=left_out)
        torch.testing.assert_close(told, torch.tensor([terms[:count]], dtype=torch.float64), rtol=1e-6, atol=0)
    weights, width = (1.0, -0.5, 0.2, -0.4, -0.7), (-2.0, 0.1, 0.2, 0.3)
    accuracy = 1 / (1 + math.exp(-sum(map(math.prod, zip(weights, terms, strict=True)))))
    below = math.exp(sum(map(math.prod, zip(width, [*terms[:3], math.log(1.003 - accuracy)], strict=True))))
    centre = math.asin(math.sqrt(accuracy))
    by_means = constant_expected(0.9, 0.8, 0.95, 4)
    of_left_out = Expected(weights, width, tuple(one - 0.5 * (one == -2.0) for one in width), 5)
    (estimate,) = Expectation(3.0, by_means, of_left_out).estimates(found)
    assert estimate.accuracy == pytest.approx(accuracy, abs=1e-4)
    assert estimate.low == pytest.approx(math.sin(centre - below) ** 2, abs=1e-4)
    assert estimate.high == pytest.approx(math.sin(centre + below * math.exp(-0.5)) ** 2, abs=1e-4)


def test_what_is_kept_of_many_tasks_holds_on_to_no_images(features):
    support = Support(torch.zeros(1, 9, 3, 84, 84), LABELS[None], torch.ones(1, 9), torch.tensor([3]))
    kept = SupportGeometry.of(features[None], support).cpu()
    assert kept.support.images.untyped_storage().nbytes() == 0
    assert torch.equal(kept.support.labels, LABELS[None])


def test_padding_and_other_tasks_change_nothing(features):
    alone = geometry(features)
    padded = Support(
        images=torch.zeros(2, 12, 1, 1, 1),
        labels=torch.stack([torch.cat([LABELS, torch.zeros(3, dtype=torch.int64)]), torch.arange(12) // 3]),
        weights=torch.cat([torch.tensor([[1.0] * 9 + [0.0] * 3]), torch.ones(1, 12)]),
        ways=torch.tensor([3, 4]),
    )
    both = SupportGeometry.of(
        torch.stack([torch.cat([features, torch.full((3, 2), 7.0)]), torch.rand(12, 2)]), padded
    )
    assert both.has_others.tolist() == [True, True]
    torch.testing.assert_close(both.crowding(3.0)[:1], alone.crowding(3.0))
    torch.testing.assert_close(both.left_out_error(3.0)[:1], alone.left_out_error(3.0))
    expectation = Expectation(
        4.0,
        Expected((1.0, -0.5, 0.2, -0.4), (-2.0, 0.0, 0.0, 0.1), (-2.5, 0.0, 0.0, 0.1), 5),
        Expected((1.0, -0.5, 0.2, -0.4, -0.7), (-2.0, 0.0, 0.0, 0.1), (-2.5, 0.0, 0.0, 0.1), 5),
    )
    assert expectation.estimates(both)[0] == expectation.estimates(alone)[0]


def test_left_out_examples_tell_only_where_every_class_has_two(features):
    expectation = constant_confidence().expectation
    assert expectation.estimates(geometry(features)) == [Estimate(0.7, 0.6, 0.75)]
    single = torch.tensor([0, 0, 1])
    assert expectation.estimates(geometry(features[:3], single)) == [Estimate(0.9, 0.8, 0.95)]


def test_an_interval_is_never_a_single_number_and_stays_within_0_and_1(features):
    narrow = replace(
        constant_expected(0.9, 0.8, 0.95, 5), below=(-30.0, 0.0, 0.0, 0.0), above=(-30.0, 0.0, 0.0, 0.0)
    )
    wide = replace(narrow, below=(9.0, 0.0, 0.0, 0.0), above=(9.0, 0.0, 0.0, 0.0))
    by_means = constant_expected(0.9, 0.8, 0.95, 4)
    found = Expectation(4.0, by_means, narrow).estimates(geometry(features))[0]
    assert found.accuracy - 0.02 < found.low < found.accuracy == 0.9 < found.high < found.accuracy + 0.02
    assert Expectation(4.0, by_means, wide).estimates(geometry(features)) == [Estimate(0.9, 0.0, 1.0)]


def test_intervals_of_more_classes_than_were_measured_are_no_narrower():
    narrowing = replace(
        constant_expected(0.5, 0.3, 0.7, 4), below=(-0.5, -1.0, 0.0, 0.0), above=(-0.5, -1.0, 0.0, 0.0)
    )
    hints = torch.tensor([[1.0, math.log(ways), 1.0, -1.0] for ways in (10, 20, 200)], dtype=torch.float64)
    accuracy = narrowing.by_hints(hints)
    low, high = narrowing.intervals(hints, accuracy)
    assert torch.equal(accuracy, torch.full_like(accuracy, 0.5))
    assert high[0] - low[0] > high[1] - low[1] == high[2] - low[2] > 0
    assert hints[2, 1] == math.log(200), "what is asked stays as it is"


@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize("ways", [2, 5, 20, 60, 200])
@pytest.mark.parametrize("shots", [1, 3, 20])
def test_what_ships_never_promises_a_certain_accuracy(name, ways, shots):
    expectation = load(shipped()[name]).confidence.expectation
    generator = torch.Generator().manual_seed(ways)
    size = TaskSize.of(ways, shots)
    errors = torch.rand(50, 2, generator=generator).double() * torch.tensor([ways - 1, (ways - 1) / ways])
    for expected, several in ((expectation.of_means, 0), (expectation.of_left_out, 1)):
        given = torch.cat(
            [torch.tensor([size.terms[:3]]).expand(50, -1).double(), (errors + 0.003).log()[:, : 1 + several]], 1
        )
        accuracy = expected.by_hints(given)
        low, high = expected.intervals(given, accuracy)
        assert (low <= accuracy).all()
        assert (accuracy <= high).all()
        assert (high - low > 0.001).all()


def test_weights_survive_json_and_others_are_refused():
    expectation = constant_confidence().expectation
    overlapping = replace(
        expectation, of_means=replace(expectation.of_means, overlap=Overlap(0.7, 0.0, 0.1, 1.0))
    )
    for one in (expectation, overlapping):
        assert Expectation.from_dict(json.loads(json.dumps(one.as_dict()))) == one
    before_overlap = expectation.as_dict()
    for formula in ("of_means", "of_left_out"):
        del before_overlap[formula]["overlap"]
    assert Expectation.from_dict(before_overlap) == expectation
    with pytest.raises(ValueError, match="takes 4, 4 and 4 weights"):
        replace(expectation, of_means=expectation.of_left_out)
    with pytest.raises(ValueError, match="sharpness"):
        replace(expectation, sharpness=0.0)
    with pytest.raises(ValueError, match="numbers of a few"):
        replace(expectation.of_means, accuracy=(4e6, 0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="2 classes or more"):
        replace(expectation.of_means, most_ways=1)


def test_beyond_the_fitted_ways_their_logarithm_counts_half():
    falling = Expected(accuracy=(1.0, -0.7, 0.0, 0.0), below=(0.0,) * 4, above=(0.0,) * 4, most_ways=5)
    ways = torch.tensor([2.0, 5.0, 20.0], dtype=torch.float64)
    hints_ = torch.stack([torch.ones(3).double(), ways.log(), torch.ones(3).double(), torch.zeros(3).double()], 1)
    logits = falling.by_hints(hints_).logit()
    expected = [1 - 0.7 * math.log(2), 1 - 0.7 * math.log(5), 1 - 0.7 * (math.log(5) + 0.5 * math.log(4))]
    torch.testing.assert_close(logits, torch.tensor(expected, dtype=torch.float64))
