"""Hashed numbers pass for random ones, and belong to their place."""

import numpy as np

from training.hashed_noise import uniform
from training.tasks.distinct_draws import distinct


def test_numbers_belong_to_their_place():
    places = np.array([[0, 1], [1, 0], [0, 2], [10**12, 3]])
    whole = uniform(places, 50)
    assert np.array_equal(uniform(places[2:3], 50), whole[2:3])
    assert np.array_equal(uniform(places[::-1], 20), whole[::-1, :20])
    assert len(np.unique(whole)) == whole.size


def test_numbers_never_change():
    # Episodes and drawings of earlier runs hang on them.
    numbers = uniform(np.array([[0, 0], [3, 10**9]]), 2) * 2**53
    assert numbers.astype(np.int64).tolist() == [
        [1344023515386167, 1620671390422262],
        [6705469181614695, 5779183274462179],
    ]


def test_numbers_are_even_and_independent():
    grid = np.stack(np.meshgrid(np.arange(3), np.arange(300)), -1).reshape(-1, 2)
    numbers = uniform(grid, 100)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    histogram = np.histogram(numbers, 20, (0, 1))[0] / numbers.size
    assert np.abs(histogram - 0.05).max() < 0.003
    centred = numbers - 0.5
    neighbours = {
        "columns": (centred[:, :-1], centred[:, 1:]),
        "rows": (centred[:-3], centred[3:]),
        "swapped": (uniform(grid, 10) - 0.5, uniform(grid[:, ::-1] + [[0, 1]], 10) - 0.5),
    }
    for name, (one, other) in neighbours.items():
        assert abs((one * other).mean() * 12) < 0.02, name


def test_distinct_draws_are_even_in_value_and_place():
    rows = 30000
    numbers = uniform(np.arange(rows)[:, None], 6)
    drawn = distinct(numbers, np.full(rows, 5), np.full(rows, 3))
    assert all(len(set(row)) == 3 for row in drawn.tolist())
    for place in range(3):
        assert np.abs(np.bincount(drawn[:, place], minlength=5) / rows - 0.2).max() < 0.015


def test_distinct_draws_of_different_counts():
    drawn = distinct(uniform(np.arange(4)[:, None], 8), np.array([4, 9, 2, 1]), np.array([4, 2, 2, 1]))
    assert sorted(drawn[0].tolist()) == [0, 1, 2, 3]
    assert (drawn >= 0).sum(1).tolist() == [4, 2, 2, 1]
    assert (drawn[1, 2:] == -1).all()
