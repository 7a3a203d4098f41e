"""What a finished run is measured on."""

from dataclasses import replace

from tests.training.tiny_run import noisy_classes
from training.measures.assessment import strangers_among
from training.measures.measured import Protocol


def test_strangers_are_the_classes_that_tasks_leave_within_the_largest_group_or_in_all():
    classes = replace(noisy_classes(9, seed=0), groups=("a",) * 6 + ("b",) * 3)

    def left(ways, wanted=50, **within):
        return strangers_among(classes, Protocol(ways, 1, 1, 1, seed=0, **within), wanted)

    assert [left(5), left(5, wanted=2), left(9)] == [4, 2, 0]
    assert [left(ways, within_group=True) for ways in (2, 5, 6, 7)] == [4, 1, 0, 0]
