"""One task's classifier: the same bits in any order, and after a stay on disk."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.initialization import Initialization
from service.computing.fitting import Shot, digest_of, fit
from service.computing.pinned import load_pinned, pin, pinned_labels
from service.problems import Problem
from tests.service.tiny_service import save_tiny


@pytest.fixture
def tiny(tmp_path: Path) -> Initialization:
    return save_tiny(tmp_path / "tiny")


def shots(labels: str) -> list[Shot]:
    made = []
    for number, label in enumerate(labels):
        pixels = torch.rand(1, 28, 28, generator=torch.Generator().manual_seed(number))
        made.append(Shot(label, f"{number}.png", str(number), digest_of(bytes([number])), pixels))
    return made


def test_the_order_of_examples_changes_no_bit(tiny: Initialization) -> None:
    given = shots("aabbc")
    first = fit(tiny, given, lambda _: None)
    for seed in range(4):
        again = fit(tiny, random.Random(seed).sample(given, len(given)), lambda _: None)
        assert again.known == first.known
        tensors = again.theta.tensors()
        assert all(torch.equal(value, tensors[name]) for name, value in first.theta.tensors().items())


def test_phi_is_left_alone(tiny: Initialization) -> None:
    before = {name: value.clone() for name, value in tiny.phi.items()}
    fit(tiny, shots("abc"), lambda _: None)
    assert all(
        torch.equal(value, tiny.phi[name]) and not tiny.phi[name].requires_grad for name, value in before.items()
    )


def test_each_step_is_announced_and_can_end_the_fit(tiny: Initialization) -> None:
    steps: list[int] = []
    fit(tiny, shots("ab"), steps.append)
    assert steps == [0, 1]

    def stop(step: int) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        fit(tiny, shots("ab"), stop)


def test_a_divergent_adaptation_is_the_callers_to_know(tiny: Initialization) -> None:
    wild = {name: value * 1e30 if name.startswith("rates") else value for name, value in tiny.phi.items()}
    with pytest.raises(Problem) as diverged:
        fit(replace(tiny, phi=wild), shots("aabb"), lambda _: None)
    assert diverged.value.status == 422


def test_estimate_is_measured_where_every_class_has_two(tiny: Initialization) -> None:
    from_card = tiny.confidence.expected_accuracy(2, 1.5)
    assert fit(tiny, shots("aab"), lambda _: None).estimate == from_card
    measured = fit(tiny, shots("aabb"), lambda _: None).estimate
    assert measured.accuracy in (0, 0.25, 0.5, 0.75, 1)
    assert measured.low <= measured.accuracy <= measured.high


def test_pinned_it_answers_bit_for_bit_alike(tiny: Initialization, tmp_path: Path) -> None:
    classifier = fit(tiny, shots("aäbc"), lambda _: None)
    pin(classifier, tmp_path)
    read = load_pinned(tmp_path)
    pixels = torch.rand(1, 28, 28)
    assert read.answers([("q", pixels)], lambda: None) == classifier.answers([("q", pixels)], lambda: None)
    assert read.estimated() == classifier.estimated()
    assert set(pinned_labels(tmp_path)) == {"a", "ä", "b", "c"}
    assert read.size == classifier.size > 0
