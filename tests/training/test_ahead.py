"""What is made ahead comes in order, no further ahead than asked, and its faults come where it would have."""

import threading
import time

import pytest

from training.run.ahead import ahead


def test_comes_in_order_and_is_made_in_another_thread():
    makers = set()

    def make(number):
        makers.add(threading.current_thread())
        return 2 * number

    assert list(ahead(make, range(10), depth=3)) == [2 * number for number in range(10)]
    assert threading.current_thread() not in makers


def test_is_at_most_so_far_ahead():
    made = []
    taking = ahead(lambda number: made.append(number) or number, range(100), depth=2)
    assert next(taking) == 0
    time.sleep(0.1)
    assert len(made) <= 3
    taking.close()
    assert len(made) <= 3


def test_a_fault_comes_in_its_place():
    def make(number):
        if number == 2:
            raise ValueError("two")
        return number

    taking = ahead(make, range(5), depth=4)
    assert [next(taking), next(taking)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(taking)
