"""Evaluation: inductive, repeatable, right about its intervals and calibration."""

import sys
from dataclasses import replace

import pytest
import torch

from models.confidence import familiarity
from models.heads import prototypes
from models.initialization import learner_from_dict
from models.learner import Learner
from models.support import Support
from tests.made_confidence import constant_confidence
from tests.training.tiny_run import VALIDATION, noisy_classes, recipe
from training.datasets.class_images import DataError
from training.measures.assessment import report_protocol
from training.measures.evaluation import embedded, measure, sampler_of
from training.measures.measured import Measured, Protocol
from training.recipe import Report
from training.tasks.episodes import EpisodeSampler

PLAN = recipe()
LEARNER, PREPROCESSING = PLAN.build_learner(), PLAN.build_preprocessing()
PHI = LEARNER.initial(seed=0)


def test_a_report_of_the_same_drawers_takes_one_drawing_of_each_class_of_each():
    protocol = report_protocol(Report(5, 2, within_group=True, same_drawers=True), 30)
    assert protocol.describe() == "5-way 2-shot within one group, same drawers"
    batch, each = sampler_of(VALIDATION, protocol).episodes(range(30)), int(VALIDATION.counts[0])
    for places in (batch.support_places, batch.query_places):
        drawers = (places % each).reshape(30, 5, -1)
        assert (drawers == drawers[:, :1]).all()


def test_the_same_seed_repeats_and_another_does_not():
    first = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, 1, 2, 30, seed=0))
    again = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, 1, 2, 30, seed=0))
    other = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, 1, 2, 30, seed=1))
    assert torch.equal(first.logits, again.logits)
    assert not torch.equal(first.logits, other.logits)


def test_answers_do_not_depend_on_how_many_tasks_run_together(monkeypatch):
    together = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, 1, 2, 12, seed=0))
    monkeypatch.setattr("training.measures.evaluation._IMAGES_AT_ONCE", 1)
    alone = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, 1, 2, 12, seed=0))
    torch.testing.assert_close(alone.logits, together.logits, rtol=1e-4, atol=1e-4)
    assert torch.equal(alone.accuracies, together.accuracies)


@pytest.mark.parametrize("normalisation", ["group", "running"])
def test_kept_features_give_the_answers_of_features_computed_anew(monkeypatch, normalisation):
    plan = recipe()
    plan.learner["backbone"]["normalisation"] = normalisation
    plan.learner["rule"]["moves"] = "head"
    learner, protocol = learner_from_dict(plan.learner), Protocol(3, 2, 2, 20, seed=0)
    phi = learner.initial(0)
    assert learner.keeps_features
    kept = measure(learner, phi, PREPROCESSING, VALIDATION, protocol)
    monkeypatch.setattr(Learner, "keeps_features", False)
    anew = measure(learner, phi, PREPROCESSING, VALIDATION, protocol)
    torch.testing.assert_close(kept.logits, anew.logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(kept.familiarities, anew.familiarities)


@pytest.fixture
def of_the_head():
    plan = recipe()
    plan.learner["rule"]["moves"] = "head"
    return learner_from_dict(plan.learner)


def test_only_images_that_the_tasks_take_are_embedded(of_the_head, monkeypatch):
    phi, protocols = (
        of_the_head.initial(0),
        [Protocol(2, 1, 2, 3, seed=0), Protocol(2, 2, 1, 2, seed=0, strangers=1)],
    )
    everywhere = embedded(of_the_head, phi, PREPROCESSING, VALIDATION)
    assert everywhere.isfinite().all()
    found = embedded(of_the_head, phi, PREPROCESSING, VALIDATION, protocols=protocols)
    taken = set()
    for protocol in protocols:
        batch = sampler_of(VALIDATION, protocol).episodes(range(protocol.episodes))
        taken |= {*batch.support_places.flatten().tolist(), *batch.query_places.flatten().tolist()}
    assert found.isfinite().all(1).nonzero().flatten().tolist() == sorted(taken)
    assert len(taken) < len(VALIDATION.images)
    torch.testing.assert_close(found[sorted(taken)], everywhere[sorted(taken)])
    many = embedded(of_the_head, phi, PREPROCESSING, VALIDATION, protocols=[replace(protocols[0], episodes=300)])
    assert torch.equal(many, everywhere)
    few = measure(of_the_head, phi, PREPROCESSING, VALIDATION, protocols[1])
    kept = measure(of_the_head, phi, PREPROCESSING, VALIDATION, protocols[1], features=everywhere)
    torch.testing.assert_close(few.logits, kept.logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(few.strange, kept.strange)


def test_inner_steps_are_as_many_as_asked_for_where_features_are_kept(of_the_head):
    rule = replace(of_the_head.rule, initial_rate=20.0)  # so that a step changes answers beyond rounding
    learner, protocol = replace(of_the_head, rule=rule), Protocol(3, 2, 2, 10, seed=0)
    phi = learner.initial(0)
    batch = sampler_of(VALIDATION, protocol).episodes(range(10)).map_images(PREPROCESSING.normalise)
    found = []
    for steps in (0, 3, None):
        kept = measure(learner, phi, PREPROCESSING, VALIDATION, protocol, inner_steps=steps)
        theta = learner.adapt(phi, batch.support, steps=steps)
        torch.testing.assert_close(kept.logits, learner.predict(theta, batch.query_images), rtol=1e-3, atol=1e-3)
        found.append(kept.logits)
    assert (found[0] - found[2]).abs().max() > 0.1
    assert (found[1] - found[2]).abs().max() > 0.1


def test_tasks_that_cannot_be_drawn_are_refused_before_anything_is_embedded(of_the_head, monkeypatch):
    monkeypatch.delattr(Learner, "embedding")
    phi, protocols = of_the_head.initial(0), [Protocol(11, 1, 2, 300, seed=0)]
    with pytest.raises(DataError, match="11 ways need as many classes, there are 10"):
        embedded(of_the_head, phi, PREPROCESSING, VALIDATION, protocols=protocols)


def test_a_bar_tells_a_terminal_how_many_images_are_embedded(of_the_head, capsys, monkeypatch):
    embedded(of_the_head, of_the_head.initial(0), PREPROCESSING, VALIDATION, progress=True)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    embedded(of_the_head, of_the_head.initial(0), PREPROCESSING, VALIDATION)
    assert capsys.readouterr().err == ""
    embedded(of_the_head, of_the_head.initial(0), PREPROCESSING, VALIDATION, progress=True)
    assert "embedding:" in capsys.readouterr().err


def test_accuracy_on_indistinguishable_classes_is_chance():
    noise = noisy_classes(12, seed=5)
    same = torch.randint(0, 256, noise.images.shape, generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    noise = type(noise)(same, noise.offsets, noise.classes, noise.groups)
    measured = measure(LEARNER, PHI, PREPROCESSING, noise, Protocol(4, 1, 2, 300, seed=0))
    assert abs(measured.accuracy - 0.25) < 3 * measured.interval
    assert 0 < measured.interval < 0.05


def _measured(logits, labels):
    right = (logits.argmax(-1) == labels).double().mean(1)
    tasks, _, ways = logits.shape
    protocol = Protocol(ways, 1, 1, tasks, seed=0)
    ids, familiar, strange = (
        torch.arange(ways).repeat(tasks, 1),
        torch.full(labels.shape, 0.9),
        torch.zeros(tasks, 0),
    )
    return Measured(protocol, right, logits, labels, ids, familiar, strange, (), "")


def test_interval_is_that_of_the_mean_over_tasks():
    accuracies = torch.tensor([0.0, 0.5, 1.0, 0.5], dtype=torch.float64)
    measured = replace(
        _measured(torch.zeros(4, 1, 2), torch.zeros(4, 1, dtype=torch.int64)), accuracies=accuracies
    )
    assert measured.accuracy == 0.5
    assert measured.interval == pytest.approx(1.959964 * (0.5 / 3) ** 0.5 / 2)


def test_calibration_error_of_an_overconfident_answer():
    logits = torch.tensor([[[9.0, 0.0], [9.0, 0.0], [9.0, 0.0], [9.0, 0.0]]])
    labels = torch.tensor([[0, 0, 0, 1]])
    assert _measured(logits, labels).calibration_error(constant_confidence()) == pytest.approx(0.25, abs=1e-3)


def test_strangers_change_nothing_for_a_tasks_own_classes():
    """Their images are asked, and never shown: answers are those of the same support set without them."""
    protocol = Protocol(4, 2, 2, 20, seed=0, strangers=3)
    with_strangers = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, protocol)
    assert with_strangers.logits.shape == (20, 8, 4)
    assert with_strangers.familiarities.shape == (20, 8)
    assert with_strangers.strange.shape == (20, 6)
    sampler = EpisodeSampler(VALIDATION, ways=7, shots=2, queries=2, seed=0)
    batch = sampler.episodes([3]).map_images(PREPROCESSING.normalise)
    support = Support.of_task(batch.support.images[0, :8], batch.support.labels[0, :8])
    theta = LEARNER.adapt(PHI, support)
    torch.testing.assert_close(
        with_strangers.logits[3:4], LEARNER.predict(theta, batch.query_images[:, :8]).detach()
    )
    centres = prototypes(LEARNER.features(theta, support.images), support)
    familiar = familiarity(LEARNER.features(theta, batch.query_images), centres, None).detach()
    torch.testing.assert_close(with_strangers.familiarities[3], familiar[0, :8])
    torch.testing.assert_close(with_strangers.strange[3], familiar[0, 8:])


def test_unknown_counts_what_is_kept_flagged_and_in_order():
    measured = replace(
        _measured(torch.zeros(1, 4, 2), torch.zeros(1, 4, dtype=torch.int64)),
        familiarities=torch.tensor([[0.9, 0.8, 0.5, 0.3]]),
        strange=torch.tensor([[0.8, 0.4, 0.1]]),
    )
    found = measured.unknown(constant_confidence(known_above=0.45))
    assert (found.kept, found.flagged) == (pytest.approx(3 / 4), pytest.approx(2 / 3))
    assert found.auroc == pytest.approx((3 + 2.5 + 2 + 1) / 12)


def test_estimates_count_how_many_accuracies_they_hold():
    measured = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, Protocol(5, 2, 2, 60, seed=0))
    held = measured.estimates(constant_confidence(by_left_out=(0.7, 0.6, 0.8)))
    assert held.coverage == pytest.approx(
        float(((measured.accuracies >= 0.6 - 1e-4) & (measured.accuracies <= 0.8 + 1e-4)).double().mean())
    )
    assert held.width == pytest.approx(0.2)
    assert held.error == pytest.approx(float((measured.accuracies - 0.7).abs().mean()))


def test_a_gain_is_taken_task_by_task():
    tasks = Protocol(5, 2, 2, 40, seed=0)
    adapted = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, tasks)
    start = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, tasks, inner_steps=0)
    shifted = replace(start, accuracies=adapted.accuracies - torch.tensor([0.1, 0.3]).repeat(20))
    gain, interval = adapted.gain_over(shifted)
    assert gain == pytest.approx(0.2)
    assert interval == pytest.approx(1.959964 * 0.1 * (40 / 39) ** 0.5 / 40**0.5)
    other = measure(LEARNER, PHI, PREPROCESSING, VALIDATION, replace(tasks, seed=1))
    with pytest.raises(ValueError, match="same tasks"):
        adapted.gain_over(other)


def test_tasks_of_other_classes_are_other_tasks():
    """Labels are the same in every draw of a protocol."""
    tasks = Protocol(3, 1, 2, 20, seed=0)
    halves = [VALIDATION.subset(range(first, first + 5)) for first in (0, 5)]
    one, other = (measure(LEARNER, PHI, PREPROCESSING, half, tasks) for half in halves)
    assert torch.equal(one.class_ids, other.class_ids)
    for compare in (one.gain_over, one.shared_mistakes):
        with pytest.raises(ValueError, match="same tasks"):
            compare(other)
    moved = replace(one, class_ids=one.class_ids.roll(1, 0))
    with pytest.raises(ValueError, match="same tasks"):
        one.gain_over(moved)
    brighter = replace(halves[0], images=halves[0].images // 2)  # as another preprocessing may see them
    assert one.gain_over(measure(LEARNER, PHI, PREPROCESSING, brighter, tasks))[1] >= 0


def test_mistakes_are_shared_where_both_are_wrong_and_alike_where_they_say_the_same():
    labels = torch.tensor([[0, 0, 0, 1, 1]])
    first, other = ([1, 2, 1, 1, 0], [1, 1, 0, 0, 0])
    one, two = (
        _measured(torch.nn.functional.one_hot(torch.tensor([said]), 3).float(), labels) for said in (first, other)
    )
    assert one.shared_mistakes(two) == (3 / 4, 2 / 4)
    right = _measured(torch.nn.functional.one_hot(labels, 3).float(), labels)
    assert right.shared_mistakes(one) == (0, 0)
    with pytest.raises(ValueError, match="same tasks"):
        one.shared_mistakes(_measured(one.logits, labels.flip(1)))
