"""Confidence: calibrated probabilities, items of no class, expected accuracy."""

import pytest
import torch

from models.confidence import Confidence, Estimate, Expected, familiarity, leave_one_out

CONFIDENCE = Confidence(
    2.0, 0.8, (Expected(5, 1, 0.9, 0.7, 1.0), Expected(5, 5, 0.97, 0.9, 1.0), Expected(20, 1, 0.8, 0.6, 0.9))
)


def test_probabilities_sum_to_one_and_heat_softens_them():
    logits = torch.tensor([[4.0, 0.0, -2.0], [1000.0, -1000.0, torch.finfo(torch.float32).min]])
    probabilities = CONFIDENCE.probabilities(logits)
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(probabilities[0], torch.softmax(logits[0].double() / 2, 0))
    assert probabilities[1].tolist() == [1.0, 0.0, 0.0]


def test_unknown_is_what_points_away_from_every_class():
    prototypes = torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    features = torch.tensor([[5.0, 0.1, 0.0], [0.0, 0.1, 3.0]])
    assert familiarity(features, prototypes).tolist() == pytest.approx([0.9998, 0.0333], abs=1e-3)
    assert CONFIDENCE.unknown(features, prototypes).tolist() == [False, True]


@pytest.mark.parametrize(
    ("ways", "shots", "accuracy"), [(5, 1, 0.9), (4, 1.2, 0.9), (6, 20, 0.97), (50, 1, 0.8), (2, 3, 0.97)]
)
def test_expected_accuracy_is_that_of_the_nearest_size(ways, shots, accuracy):
    assert CONFIDENCE.expected_accuracy(ways, shots).accuracy == accuracy


def test_leave_one_out_equals_a_plain_loop():
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2])
    features = torch.randn(9, 2, generator=generator) + 1.2 * torch.eye(3)[labels][:, :2]
    right = []
    for left_out in range(9):
        kept = torch.arange(9) != left_out
        means = torch.stack([features[kept & (labels == label)].mean(0) for label in range(3)])
        nearest = (features[left_out] - means).square().sum(1).argmin()
        right.append(float(nearest == labels[left_out]))
    by_class = [
        sum(r for r, y in zip(right, labels, strict=True) if y == c) / int((labels == c).sum()) for c in range(3)
    ]
    estimate = leave_one_out(features, labels)
    assert estimate.accuracy == pytest.approx(sum(by_class) / 3)
    assert 0 < estimate.accuracy < 1
    assert 0 <= estimate.low < estimate.accuracy < estimate.high <= 1


def test_leave_one_out_needs_two_examples_of_each_class():
    assert leave_one_out(torch.rand(3, 4), torch.tensor([0, 0, 1])) is None


def test_wilson_interval_of_a_perfect_score_is_not_a_point():
    features = torch.tensor([[0.0, 0.0], [0.1, 0.0], [5.0, 0.0], [5.1, 0.0]])
    assert leave_one_out(features, torch.tensor([0, 0, 1, 1])) == Estimate(
        1.0, pytest.approx(0.5101, abs=1e-4), pytest.approx(1.0)
    )


def test_settings_survive_json_and_bad_ones_are_refused():
    assert Confidence.from_dict(CONFIDENCE.as_dict()) == CONFIDENCE
    with pytest.raises(ValueError, match="temperature"):
        Confidence(0.0, 0.5, CONFIDENCE.expected)
    with pytest.raises(ValueError, match="expected accuracy"):
        Confidence(1.0, 0.5, ())
