"""Classes that may be one and the same lower the accuracy to expect."""

import math
from dataclasses import asdict

import pytest
import torch

from models.overlap import Overlap, gaps
from models.support import Support
from models.support_geometry import SupportGeometry

OVERLAP = Overlap(variance=0.5, closeness=0.1, softness=0.2, caution=1.5)
SHOTS = (3, 1, 2)
LABELS = torch.arange(3).repeat_interleave(torch.tensor(SHOTS))


def geometry(features: torch.Tensor, labels: torch.Tensor = LABELS) -> SupportGeometry:
    return SupportGeometry.of(features[None], Support.of_task(torch.zeros(len(labels), 1, 1, 1), labels))


def features(apart: float, *, classes: int = 3, seed: int = 0) -> torch.Tensor:
    """Each class about a corner of its own, all as far from each other."""
    noise = torch.randn(len(LABELS), 8, generator=torch.Generator().manual_seed(seed))
    return apart * torch.eye(8)[LABELS % classes] + 0.25 * noise


def sure(accuracy: float) -> torch.Tensor:
    return torch.tensor([accuracy], dtype=torch.float64)


def test_the_formula_equals_a_plain_loop():
    found = features(0.6)
    means = [found[label == LABELS].mean(0).double() for label in range(3)]
    gap, doubt = {}, {}
    for i in range(3):
        for j in {0, 1, 2} - {i}:
            both = 1 / SHOTS[i] + 1 / SHOTS[j]
            gap[i, j] = float((means[i] - means[j]).square().sum()) / 0.5 - both
            doubt[i, j] = both / 2
    mean, remaining = sum(gap.values()) / 6, []
    for i in range(3):
        shares = []
        for j in {0, 1, 2} - {i}:
            believed = mean + (gap[i, j] - mean) / (1 + (1.5 * doubt[i, j]) ** 2)
            shares.append(1 / (1 + math.exp((believed - 0.1) / 0.2)))
        remaining.append((0.8 + 0.2 * sum(shares) / 2) / (1 + sum(shares)))
    assert float(OVERLAP.lowered(sure(0.8), geometry(found))) == pytest.approx(sum(remaining) / 3)


@pytest.mark.parametrize("shots", [1, 2, 5, 20])
def test_the_gap_of_two_halves_of_one_class_is_0_on_average_whatever_the_shots(shots):
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(2).repeat_interleave(shots)
    support = Support(
        torch.zeros(4000, len(labels), 1, 1, 0),
        labels.expand(4000, -1),
        torch.ones(4000, len(labels)),
        torch.full((4000,), 2),
    )
    found = SupportGeometry.of(torch.randn(4000, len(labels), 4, generator=generator), support)
    gap, _ = gaps(found, variance=4.0)
    assert float(gap[:, 0, 1].mean()) == pytest.approx(0, abs=0.1 / shots)


def test_what_is_far_apart_keeps_its_accuracy_and_what_is_one_and_the_same_is_a_guess():
    assert float(OVERLAP.lowered(sure(0.8), geometry(features(9.0)))) == pytest.approx(0.8)
    certain = Overlap(variance=0.5, closeness=5.0, softness=0.01, caution=0.0)
    for accuracy in (0.2, 0.8, 1.0):
        assert float(certain.lowered(sure(accuracy), geometry(features(0.0)))) == pytest.approx(1 / 3)


def test_two_classes_in_one_are_taken_for_each_other_alone():
    both_in_one = geometry(features(9.0, classes=2))  # the third is another part of the first
    certain = Overlap(variance=0.5, closeness=1.0, softness=0.1, caution=0.0)
    expected = (0.9 + 2 * (0.9 + 0.1 / 2) / 2) / 3
    assert float(certain.lowered(sure(0.9), both_in_one)) == pytest.approx(expected, abs=1e-3)


def test_the_closer_the_classes_the_less_is_expected():
    found = [float(OVERLAP.lowered(sure(0.9), geometry(features(apart)))) for apart in (0.0, 0.3, 0.6, 0.9, 2.0)]
    assert found == sorted(found)
    assert found[0] < 0.6 < 0.85 < found[-1]


def test_padding_and_other_tasks_change_nothing():
    alone = float(OVERLAP.lowered(sure(0.8), geometry(features(0.6))))
    labels = torch.stack([torch.cat([LABELS, torch.zeros(4, dtype=torch.int64)]), torch.arange(10) // 2])
    weights = torch.cat([torch.tensor([[1.0] * 6 + [0.0] * 4]), torch.ones(1, 10)])
    support = Support(torch.zeros(2, 10, 1, 1, 0), labels, weights, torch.tensor([3, 5]))
    padded = torch.stack([torch.cat([features(0.6), torch.full((4, 8), 7.0)]), torch.rand(10, 8)])
    both = OVERLAP.lowered(torch.cat([sure(0.8), sure(0.7)]), SupportGeometry.of(padded, support))
    assert float(both[0]) == pytest.approx(alone)
    assert 0.2 <= float(both[1]) <= 0.7


def test_numbers_survive_json_and_others_are_refused():
    assert Overlap.from_dict(asdict(OVERLAP)) == OVERLAP
    for wrong in (
        {"variance": 0.0},
        {"variance": math.inf},
        {"softness": -1.0},
        {"caution": -0.1},
        {"closeness": math.nan},
    ):
        with pytest.raises(ValueError, match="overlap"):
            Overlap.from_dict(asdict(OVERLAP) | wrong)
