"""One task's classifier: the same bits in any order, and after a stay on disk, of learners of either kind."""

import random
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.backbones.normalisation import NormalisationKind
from models.confidence import KEPT, familiarity
from models.expectation import Estimate
from models.initialization import Initialization
from models.inner_rule import InnerRule, Moves
from models.support import Support
from models.task_size import BySize
from service.computing.classifier import AT_ONCE
from service.computing.fitting import Shot, embed, fit, fit_together
from service.computing.pinned import load_pinned, pin, pinned_labels
from service.problems import Problem
from tests.made_confidence import constant_confidence
from tests.service.tiny_service import save_like_photos, save_tiny


@pytest.fixture
def tiny(tmp_path: Path) -> Initialization:
    return save_tiny(tmp_path / "tiny")


@pytest.fixture(params=[save_tiny, save_like_photos])
def either(tmp_path: Path, request: pytest.FixtureRequest) -> Initialization:
    made: Initialization = request.param(tmp_path / "either")
    return made


def image(initialization: Initialization, seed: int) -> torch.Tensor:
    side, channels = initialization.preprocessing.side, initialization.preprocessing.channels
    return torch.rand(channels, side, side, generator=torch.Generator().manual_seed(seed))


def shots(labels: str, initialization: Initialization) -> list[Shot]:
    return [
        Shot(label, f"{seed}.png", str(seed), sha256(bytes([seed])).hexdigest(), image(initialization, seed))
        for seed, label in enumerate(labels)
    ]


def test_the_order_of_examples_changes_no_bit(either: Initialization) -> None:
    given = shots("aabbc", either)
    first = fit(either, given, lambda: None)
    for seed in range(4):
        again = fit(either, random.Random(seed).sample(given, len(given)), lambda: None)
        assert again.known == first.known
        tensors = again.theta.tensors()
        assert all(torch.equal(value, tensors[name]) for name, value in first.theta.tensors().items())


def test_the_names_of_files_change_no_bit(either: Initialization) -> None:
    given = shots("aabbc", either)
    renamed = [replace(one, filename=f"{9 - place}.png") for place, one in enumerate(given)]
    first, again = (fit(either, some, lambda: None) for some in (given, renamed))
    assert again.labels == first.labels
    assert [one.identity for one in again.known] == [one.identity for one in first.known]
    tensors = again.theta.tensors()
    assert all(torch.equal(value, tensors[name]) for name, value in first.theta.tensors().items())


@pytest.mark.parametrize("normalisation", ["group", "running", "support"])
@pytest.mark.parametrize("width", [24, 64])
def test_a_network_that_moves_answers_as_for_each_query_alone(
    tiny: Initialization, normalisation: NormalisationKind, width: int
) -> None:
    learner = replace(tiny.learner, backbone=Conv4(width=width, halving="stride", normalisation=normalisation))
    moving = replace(tiny, learner=learner, phi=learner.initial(0))
    classifier = fit(moving, shots("aabbc", moving), lambda: None)
    asked = [(f"{seed}.png", image(moving, seed)) for seed in range(40, 51)]
    alone = [classifier.answers([one], lambda: None)[0] for one in asked]
    assert classifier.answers(asked, lambda: None) == alone


def test_phi_is_left_alone(either: Initialization) -> None:
    before = {name: value.clone() for name, value in either.phi.items()}
    fit(either, shots("abc", either), lambda: None)
    after = either.phi
    assert all(
        torch.equal(value, after[name]) and not after[name].requires_grad for name, value in before.items()
    )


@pytest.mark.parametrize("moves", ["all", "head"])
def test_the_deadline_is_checked_before_each_step(tiny: Initialization, moves: Moves) -> None:
    learner = replace(tiny.learner, rule=replace(tiny.learner.rule, moves=moves))
    tiny = replace(tiny, learner=learner, phi=learner.initial(0))
    tasks = embed(tiny, [shots("ab", tiny)], lambda: None)
    looks: list[None] = []
    fit_together(tiny, tasks, lambda: looks.append(None))
    assert len(looks) == 2

    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        fit_together(tiny, tasks, stop)


def test_the_deadline_is_checked_before_each_batch_of_images(either: Initialization) -> None:
    looks = 0

    def second_ends_it() -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise TimeoutError

    given = shots("ab" * 20, either)
    asked = [(shot.filename, shot.input) for shot in given]
    assert len(asked) > AT_ONCE
    with pytest.raises(TimeoutError):
        fit(either, given[:2], lambda: None).answers(asked, second_ends_it)
    looks = 0
    if either.learner.keeps_features:
        with pytest.raises(TimeoutError):
            embed(either, [given], second_ends_it)


@pytest.mark.parametrize("moves", ["all", "body"])
def test_a_divergent_adaptation_is_the_callers_to_know(tiny: Initialization, moves: Moves) -> None:
    learner = replace(tiny.learner, rule=InnerRule(moves, 2, "one", 1e30))
    with pytest.raises(Problem) as diverged:
        fit(replace(tiny, learner=learner, phi=learner.initial(0)), shots("aabb", tiny), lambda: None)
    assert diverged.value.status == 422


def test_estimate_is_measured_where_every_class_has_two(tiny: Initialization) -> None:
    assert fit(tiny, shots("aab", tiny), lambda: None).estimate == Estimate(0.9, 0.8, 0.95)
    assert fit(tiny, shots("aabb", tiny), lambda: None).estimate == Estimate(0.7, 0.6, 0.75)


@pytest.mark.parametrize("labels", ["ab", "aabb", "aabbb"])
def test_copies_within_a_class_count_once(tiny: Initialization, labels: str) -> None:
    """Five uploads of one photo say no more than one: neither how good it will be nor what a query is."""
    once = shots(labels, tiny)
    copies = [replace(shot, filename=f"~{shot.filename}", identity=f"~{shot.identity}") for shot in once * 3]
    alone, repeated = fit(tiny, once, lambda: None), fit(tiny, copies + once, lambda: None)
    asked = [("q", image(tiny, 99))]
    assert repeated.answers(asked, lambda: None) == alone.answers(asked, lambda: None)
    for fact in ("estimate", "task_size", "known"):
        assert getattr(repeated, fact) == getattr(alone, fact)


def test_one_image_of_two_classes_counts_in_both(tiny: Initialization) -> None:
    given = shots("ab", tiny)
    both = [*given, replace(given[0], label="b", filename="again.png")]
    assert sorted(known.label for known in fit(tiny, both, lambda: None).known) == ["a", "b", "b"]


def test_estimate_depends_on_the_examples(tiny: Initialization) -> None:
    expectation = tiny.confidence.expectation
    telling = replace(expectation.of_left_out, accuracy=(0.0, 0.0, 0.0, -1.0, -1.0))
    sharp = replace(expectation, of_left_out=telling, sharpness=0.3)
    confidence = replace(tiny.confidence, expectation=sharp)
    found = {
        fit(replace(tiny, confidence=confidence), given, lambda: None).estimate
        for given in (shots("aabb", tiny), shots("aabbb", tiny), shots("abab", tiny))
    }
    assert len(found) == 3


def test_what_is_unknown_follows_the_share_to_keep(tiny: Initialization) -> None:
    strict = tuple(BySize(2.0 if share <= 0.9 else -2.0) for share in KEPT)
    classifier = fit(
        replace(tiny, confidence=replace(tiny.confidence, familiar=strict)), shots("ab", tiny), lambda: None
    )
    asked = [("q", torch.rand(1, 28, 28))]

    def flagged(share: float) -> bool:
        (answer,) = replace(classifier, keep_known=share).answers(asked, lambda: None)
        return bool(answer["unknown"])

    assert (flagged(0.9), flagged(0.95)) == (True, False)


def test_unknown_is_told_as_it_was_calibrated_about_the_means_of_training_classes(tmp_path: Path) -> None:
    made = save_like_photos(tmp_path)
    given = shots("aabb", made)
    images = torch.stack([image(made, seed) for seed in range(40, 48)])
    support = Support.of_task(torch.stack([shot.input for shot in given]), torch.tensor([0, 0, 1, 1]))
    cohort = made.cohort
    means = cohort.means(made.learner.embed(made.phi, support.images), support)[0]
    familiar = familiarity(cohort.seen(made.learner.embed(made.phi, images[None])[0]), means, cohort.strangers)
    line = float(familiar.sort().values[3:5].mean())
    classifier = fit(replace(made, confidence=constant_confidence(known_above=line)), given, lambda: None)
    answers = classifier.answers([(str(number), one) for number, one in enumerate(images)], lambda: None)
    assert [answer["unknown"] for answer in answers] == (familiar < line).tolist()


def test_of_an_example_itself_the_similarity_is_at_most_one(either: Initialization) -> None:
    """Who takes its arc cosine must get a number; rounding alone would give 1.0000001 of some."""
    given = shots("aabbc" * 8, either)
    asked = [(shot.filename, shot.input) for shot in given]
    answers = fit(either, given, lambda: None).answers(asked, lambda: None)
    nearest = [answer["nearest"][0] for answer in answers]
    assert [near["filename"] for near in nearest] == [shot.filename for shot in given]
    assert max(near["similarity"] for near in nearest) <= 1


@pytest.mark.parametrize(("labels", "explained"), [("ab", 2), ("abc", 3), ("aabbc", 3)])
def test_an_answer_is_explained_by_three_examples_where_there_are_as_many(
    tiny: Initialization, labels: str, explained: int
) -> None:
    (answer,) = fit(tiny, shots(labels, tiny), lambda: None).answers([("q", torch.rand(1, 28, 28))], lambda: None)
    assert len(answer["nearest"]) == explained


def test_pinned_it_answers_bit_for_bit_alike(either: Initialization, tmp_path: Path) -> None:
    some_unknown = constant_confidence(known_above=-4.0)  # to the one whose familiarity is no cosine
    classifier = fit(replace(either, confidence=some_unknown), shots("aäbc", either), lambda: None)
    classifier = replace(classifier, keep_known=0.9)
    pin(classifier, tmp_path)
    read = load_pinned(tmp_path)
    asked = [(str(seed), image(either, seed)) for seed in range(30, 40)]
    assert read.answers(asked, lambda: None) == classifier.answers(asked, lambda: None)
    assert read.keep_known == 0.9
    assert read.estimated() == classifier.estimated()
    assert set(pinned_labels(tmp_path)) == {"a", "ä", "b", "c"}
    assert read.size == classifier.size > 0


def test_only_what_a_classifier_has_for_itself_takes_room(tmp_path: Path) -> None:
    sizes = {}
    for moves in ("all", "head"):
        tiny = save_tiny(tmp_path / moves, moves=moves)
        fitted = fit(tiny, shots("aabb", tiny), lambda: None)
        sizes[moves] = fitted.size
        body = sum(value.nbytes for value in fitted.theta.body.values())
    assert sizes["all"] == sizes["head"] + body
    assert sizes["head"] > sum(one.nbytes for one in (fitted.directions, *fitted.theta.head.values()))
