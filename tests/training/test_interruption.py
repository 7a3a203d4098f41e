"""Ctrl-C and SIGTERM ask for a stop, first kindly."""

import signal
import threading

import pytest

from training.run.interruption import Interruption

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def handlers():
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.parametrize("number", SIGNALS)
def test_all_that_are_entered_note_a_signal(number):
    with Interruption() as outer, Interruption() as inner:
        assert not inner.wanted
        signal.raise_signal(number)
        assert inner.wanted
        assert outer.wanted


def test_a_second_ctrl_c_does_not_wait():
    with Interruption() as entered:
        signal.raise_signal(signal.SIGINT)
        assert entered.wanted
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_on_another_thread_signals_are_left_alone():
    noted = []

    def enter():
        with Interruption() as entered:
            noted.append(entered.wanted)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert noted == [False]
