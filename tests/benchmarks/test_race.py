"""Contenders take turns, and what they took is told by unit."""

import pytest

from benchmarks import race as module
from benchmarks.race import Contender, race


class Clock:
    """Time passes only where a contender says so."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def worker(clock, calls, name, seconds):
    def work():
        calls.append(name)
        clock.now += seconds

    return work


def test_contenders_take_turns(clock):
    calls = []
    contenders = [Contender(name, worker(clock, calls, name, 1.0)) for name in "ab"]
    timed = race(contenders, rounds=3, turn=1.0)
    assert "".join(calls) == "aabb" + "ab" * 3
    assert [one.seconds for one in timed] == [(1.0, 1.0, 1.0)] * 2


def test_a_turn_is_filled_and_told_by_unit(clock):
    calls = []
    fast, slow = (
        Contender(name, worker(clock, calls, name, seconds), units=10)
        for name, seconds in (("f", 0.25), ("s", 4.0))
    )
    timed = race([fast, slow], rounds=1, turn=1.0)
    assert "".join(calls) == "ffss" + "ffff" + "s"
    assert [one.median for one in timed] == [0.025, 0.4]
    assert [one.rate for one in timed] == [40.0, 2.5]
