"""Confidence: calibrated probabilities, and items of no class, by the size of a task."""

import json
import math
from dataclasses import replace

import pytest
import torch

from models.confidence import KEPT, Confidence, familiarity
from models.initialization import shipped
from models.task_size import BySize, TaskSize
from tests.made_confidence import constant_confidence

CONFIDENCE = replace(
    constant_confidence(known_above=0.8),
    log_temperature=BySize(math.log(2), ways=0.5, scarcity=-0.25),
    familiar=tuple(BySize(1 - share, scarcity=-0.1) for share in KEPT),
)
FIVE_WAY = TaskSize.of(5, 2)


def test_a_tasks_size_counts_ways_and_how_few_examples_there_are():
    assert TaskSize.of(5, 2) == TaskSize.of_counts([2, 2, 2, 2, 2])
    assert TaskSize.of_counts([1, 1, 4]) == TaskSize(3, 0.75)
    number = BySize(1.0, ways=2.0, scarcity=4.0, squared=-2.0, logarithm=3.0)
    assert number.at(TaskSize(7, 0.5)) == pytest.approx(1 + 2 * math.log(7) + 2 - 0.5 + 3 * math.log(0.52))


def test_probabilities_sum_to_one_and_heat_softens_them():
    logits = torch.tensor([[4.0, 0.0, -2.0], [1000.0, -1000.0, torch.finfo(torch.float32).min]])
    probabilities = constant_confidence(temperature=2.0).probabilities(logits, FIVE_WAY)
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(probabilities[0], torch.softmax(logits[0].double() / 2, 0))
    assert probabilities[1].tolist() == [1.0, 0.0, 0.0]


def test_the_temperature_follows_ways_and_shots():
    assert CONFIDENCE.temperature(FIVE_WAY) == pytest.approx(2 * 5**0.5 * math.exp(-0.125))
    assert CONFIDENCE.temperature(TaskSize.of(5, 1)) < CONFIDENCE.temperature(TaskSize.of(5, 5))


@pytest.mark.parametrize("weight", [-99, 99])
def test_the_temperature_of_any_weights_that_a_card_may_have_can_be_taken(weight):
    expectation = CONFIDENCE.expectation
    of_means = replace(expectation.of_means, most_ways=10_000)
    fitted = replace(expectation, of_means=of_means)
    confidence = replace(CONFIDENCE, log_temperature=BySize(*[weight] * 5), expectation=fitted)
    probabilities = confidence.probabilities(torch.tensor([3.0, 1.0]), TaskSize(10_000, 1.0))
    assert float(probabilities.sum()) == pytest.approx(1.0)


def test_of_more_classes_than_were_fitted_the_temperature_is_that_of_the_most():
    assert CONFIDENCE.temperature(TaskSize.of(21, 2)) == CONFIDENCE.temperature(TaskSize.of(20, 2))
    assert CONFIDENCE.temperature(TaskSize.of(400, 2)) > CONFIDENCE.temperature(TaskSize.of(19, 2))


def test_unknown_is_what_points_away_from_every_class():
    prototypes = torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    features = torch.tensor([[5.0, 0.1, 0.0], [0.0, 0.1, 3.0]])
    familiar = familiarity(features, prototypes, None)
    assert familiar.tolist() == pytest.approx([0.9998, 0.0333], abs=1e-3)
    assert (familiar < constant_confidence().known_above(TaskSize(2, 1.0))).tolist() == [False, True]


def test_with_strangers_it_is_how_much_likelier_the_classes_are_than_they():
    generator = torch.Generator().manual_seed(0)
    features, prototypes, strangers = (
        torch.randn(count, 6, generator=generator, dtype=torch.float64) for count in (9, 3, 8)
    )
    middle = strangers.mean(0)
    wanted = []
    for one in features - middle:
        likeness = [
            sum(float(torch.exp(10 * one @ mean / (one.norm() * mean.norm()))) for mean in means - middle)
            for means in (prototypes, strangers)
        ]
        wanted.append(math.log(likeness[0] / likeness[1]))
    assert familiarity(features, prototypes, strangers).tolist() == pytest.approx(wanted)


def test_what_looks_like_everything_is_not_familiar():
    # Both queries are as near to the class; the second is as near to a stranger, too.
    prototypes, strangers = torch.tensor([[1.0, 0, 0]]), torch.tensor([[0.0, 1, 0], [0.0, -1, 0]])
    queries = torch.tensor([[0.5, 0, 1.2], [0.5, 1.2, 0]])
    plain, against = familiarity(queries, prototypes, None), familiarity(queries, prototypes, strangers)
    assert float(plain[0]) == pytest.approx(float(plain[1]))
    assert float(against[0]) > float(against[1]) + 0.5


def test_the_more_known_items_are_kept_the_fewer_are_flagged():
    thresholds = [
        CONFIDENCE.known_above(FIVE_WAY, share) for share in (0.5, 0.9, 0.94, 0.95, 0.99, 0.9961, 0.999)
    ]
    assert thresholds == sorted(thresholds, reverse=True)
    assert (
        CONFIDENCE.known_above(FIVE_WAY) == CONFIDENCE.known_above(FIVE_WAY, 0.95) == pytest.approx(0.05 - 0.05)
    )
    between = CONFIDENCE.known_above(FIVE_WAY, 0.94)
    assert CONFIDENCE.known_above(FIVE_WAY, 0.95) < between < CONFIDENCE.known_above(FIVE_WAY, 0.925)
    for beyond in (0.49, 0.9991, math.nan):
        with pytest.raises(ValueError, match="share of known items"):
            CONFIDENCE.known_above(FIVE_WAY, beyond)


@pytest.mark.parametrize("name", ["characters", "photos"])
def test_no_more_are_flagged_to_keep_more_however_many_classes_there_are(name):
    """As fitted, the thresholds of photos cross from 51 classes on; within the fit none does."""
    card = json.loads((shipped()[name] / "card.json").read_text(encoding="utf-8"))
    confidence = Confidence.from_dict(card["confidence"])
    crossed = 0
    for ways in (2, 5, 10, 20, 51, 100, 200, 1000):
        for shots in (1, 2, 3, 5, 10, 50):
            size = TaskSize.of(ways, shots)
            fitted = [one.at(size) for one in confidence.familiar]
            thresholds = [confidence.known_above(size, share) for share in KEPT]
            assert thresholds == sorted(thresholds, reverse=True)
            assert confidence.known_above(size) == fitted[KEPT.index(0.95)]
            crossed += thresholds != fitted
            if ways <= confidence.expectation.of_means.most_ways and shots <= 10:
                assert thresholds == fitted
    assert bool(crossed) == (name == "photos")


def test_between_two_shares_to_keep_it_is_the_share_lost_that_counts_by_its_logarithm():
    by_what_is_lost = replace(CONFIDENCE, familiar=tuple(BySize(math.log(1 - share)) for share in KEPT))
    for share in (0.55, 0.94, 0.9925, 0.997):
        assert by_what_is_lost.known_above(FIVE_WAY, share) == pytest.approx(math.log(1 - share))


def test_settings_survive_json_and_bad_ones_are_refused():
    assert Confidence.from_dict(CONFIDENCE.as_dict()) == CONFIDENCE
    with pytest.raises(ValueError, match="temperature"):
        replace(CONFIDENCE, log_temperature=BySize(math.nan))
    with pytest.raises(ValueError, match="temperature"):
        replace(CONFIDENCE, log_temperature=BySize(800.0))
    with pytest.raises(ValueError, match="familiarities"):
        replace(CONFIDENCE, familiar=CONFIDENCE.familiar[1:])
    with pytest.raises(ValueError, match="familiarities"):
        Confidence.from_dict(CONFIDENCE.as_dict() | {"familiar": CONFIDENCE.as_dict()["familiar"][::-1]})
