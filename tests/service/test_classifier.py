"""One task's classifier: the same bits in any order, and after a stay on disk."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.confidence import KEPT
from models.expectation import Estimate
from models.initialization import Initialization
from models.inner_rule import InnerRule, Moves
from models.task_size import BySize
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


@pytest.mark.parametrize("moves", ["all", "body"])
def test_a_divergent_adaptation_is_the_callers_to_know(tiny: Initialization, moves: Moves) -> None:
    learner = replace(tiny.learner, rule=InnerRule(moves, 2, "one", 1e30))
    with pytest.raises(Problem) as diverged:
        fit(replace(tiny, learner=learner, phi=learner.initial(0)), shots("aabb"), lambda _: None)
    assert diverged.value.status == 422


def test_estimate_is_measured_where_every_class_has_two(tiny: Initialization) -> None:
    assert fit(tiny, shots("aab"), lambda _: None).estimate == Estimate(0.9, 0.8, 0.95)
    assert fit(tiny, shots("aabb"), lambda _: None).estimate == Estimate(0.7, 0.6, 0.75)


@pytest.mark.parametrize("labels", ["ab", "aabb", "aabbb"])
def test_copies_within_a_class_count_once(tiny: Initialization, labels: str) -> None:
    """Five uploads of one photo say no more than one: neither how good it will be nor what a query is."""
    once = shots(labels)
    copies = [replace(shot, filename=f"~{shot.filename}", identity=f"~{shot.identity}") for shot in once * 3]
    alone, repeated = fit(tiny, once, lambda _: None), fit(tiny, copies + once, lambda _: None)
    asked = [("q", torch.rand(1, 28, 28))]
    assert repeated.answers(asked, lambda: None) == alone.answers(asked, lambda: None)
    for fact in ("estimate", "task_size", "known"):
        assert getattr(repeated, fact) == getattr(alone, fact)


def test_one_image_of_two_classes_counts_in_both(tiny: Initialization) -> None:
    given = shots("ab")
    both = [*given, replace(given[0], label="b", filename="again.png")]
    assert sorted(known.label for known in fit(tiny, both, lambda _: None).known) == ["a", "b", "b"]


def test_estimate_depends_on_the_examples(tiny: Initialization) -> None:
    expectation = tiny.confidence.expectation
    telling = replace(expectation.of_left_out, accuracy=(0.0, 0.0, 0.0, -1.0, -1.0))
    sharp = replace(expectation, of_left_out=telling, sharpness=0.3)
    confidence = replace(tiny.confidence, expectation=sharp)
    found = {
        fit(replace(tiny, confidence=confidence), given, lambda _: None).estimate
        for given in (shots("aabb"), shots("aabbb"), shots("abab"))
    }
    assert len(found) == 3


def test_what_is_unknown_follows_the_share_to_keep(tiny: Initialization) -> None:
    strict = tuple(BySize(2.0 if share <= 0.9 else -2.0) for share in KEPT)
    classifier = fit(
        replace(tiny, confidence=replace(tiny.confidence, familiar=strict)), shots("ab"), lambda _: None
    )
    asked = [("q", torch.rand(1, 28, 28))]

    def flagged(share: float) -> bool:
        (answer,) = replace(classifier, keep_known=share).answers(asked, lambda: None)
        return bool(answer["unknown"])

    assert (flagged(0.9), flagged(0.95)) == (True, False)


def test_of_an_example_itself_the_similarity_is_at_most_one(tiny: Initialization) -> None:
    """Who takes its arc cosine must get a number; rounding alone would give 1.0000001 of some."""
    given = shots("aabbc" * 8)
    asked = [(shot.filename, shot.input) for shot in given]
    answers = fit(tiny, given, lambda _: None).answers(asked, lambda: None)
    nearest = [answer["nearest"][0] for answer in answers]
    assert [near["filename"] for near in nearest] == [shot.filename for shot in given]
    assert max(near["similarity"] for near in nearest) <= 1


@pytest.mark.parametrize(("labels", "explained"), [("ab", 2), ("abc", 3), ("aabbc", 3)])
def test_an_answer_is_explained_by_three_examples_where_there_are_as_many(
    tiny: Initialization, labels: str, explained: int
) -> None:
    (answer,) = fit(tiny, shots(labels), lambda _: None).answers([("q", torch.rand(1, 28, 28))], lambda: None)
    assert len(answer["nearest"]) == explained


def test_pinned_it_answers_bit_for_bit_alike(tiny: Initialization, tmp_path: Path) -> None:
    classifier = fit(tiny, shots("aäbc"), lambda _: None)
    classifier = replace(classifier, keep_known=0.9)
    pin(classifier, tmp_path)
    read = load_pinned(tmp_path)
    pixels = torch.rand(1, 28, 28)
    assert read.answers([("q", pixels)], lambda: None) == classifier.answers([("q", pixels)], lambda: None)
    assert read.keep_known == 0.9
    assert read.estimated() == classifier.estimated()
    assert set(pinned_labels(tmp_path)) == {"a", "ä", "b", "c"}
    assert read.size == classifier.size > 0


def test_only_what_a_classifier_has_for_itself_takes_room(tmp_path: Path) -> None:
    sizes = {}
    for moves in ("all", "head"):
        fitted = fit(save_tiny(tmp_path / moves, moves=moves), shots("aabb"), lambda _: None)
        sizes[moves] = fitted.size
        body = sum(value.nbytes for value in fitted.theta.body.values())
    assert sizes["all"] == sizes["head"] + body
    assert sizes["head"] > sum(one.nbytes for one in (fitted.directions, *fitted.theta.head.values()))
