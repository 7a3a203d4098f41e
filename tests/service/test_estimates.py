"""What commands say about estimates."""

import pytest

from service.commands.estimates import expectation, percent, probability


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0.0, "0%"),
        (0.003, "<1%"),
        (0.5, "50%"),
        (0.994, "99%"),
        (0.9962, ">99%"),
        (0.99999, ">99%"),
        (1.0, "100%"),
    ],
)
def test_no_doubt_is_rounded_away(share: float, told: str) -> None:
    assert percent(share) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.2, "0.200"),
        (0.9494, "0.949"),
        (0.9994, "0.999"),
        (0.9996, ">0.999"),
        (0.99999, ">0.999"),
        (1.0, "1.000"),
    ],
)
def test_no_doubt_about_an_answer_is_rounded_away(value: float, told: str) -> None:
    assert probability(value) == told


def test_sentences() -> None:
    assert (
        expectation({"accuracy": 0.9946, "low": 0.9378, "high": 1.0})
        == "about 99% of answers should be right (94% to 100%)"
    )
    assert (
        expectation({"accuracy": 0.9962, "low": 0.95, "high": 0.9999})
        == "more than 99% of answers should be right (95% to >99%)"
    )
