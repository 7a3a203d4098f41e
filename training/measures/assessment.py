"""Produces what a card says of an initialization: its confidence, and how well it does on unseen classes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import Tensor

from models.backbones.backbone import Params
from models.confidence import KEEP_KNOWN, Confidence
from models.images.preprocessing import Preprocessing
from models.learner import Learner
from training.datasets.class_images import ClassImages
from training.measures.alike_classes import number_of_parts, of_each
from training.measures.calibration import CALIBRATION_SEED, QUERIES, calibrate
from training.measures.evaluation import embedded, measure
from training.measures.inherited import INHERITED, Inherited
from training.measures.measured import Measured, Protocol
from training.recipe import Report

_QUERIES = 5
REPORT_SEED = 20_000  # not that of the tasks that chose phi
_ESTIMATED_EPISODES = 600
_STRANGERS = 5
_ALIKE_SHOTS, _ALIKE_EPISODES = (1, 5), 200


@dataclass(frozen=True)
class Assessment:
    """What was fitted and measured.

    Attributes:
        confidence: as fitted.
        facts: for the card: what confidence was fitted on, and what was measured on other tasks.
    """

    confidence: Confidence
    facts: Mapping[str, Any]


def assess(
    learner: Learner,
    phi: Params,
    preprocessing: Preprocessing,
    validation: ClassImages,
    reports: Sequence[Report],
    episodes: int,
    calibration_tasks: int,
    inherited: Inherited | None = None,
) -> Assessment:
    """Fit confidence on validation tasks, then measure with it on others.

    Args:
        learner: the composition.
        phi: its parameters.
        preprocessing: for the levels that ``validation`` holds.
        validation: classes that training never saw.
        reports: the kinds of task to measure on, each for a row of the card.
        episodes: tasks of each report.
        calibration_tasks: tasks of each size to fit on.
        inherited: the confidence of what phi continued from, kept where too few answers are wrong to fit it.

    Raises:
        DataError: if the classes do not suffice for a report.
    """
    features = embedded(learner, phi, preprocessing, validation, progress=True)
    subject = _Subject(learner, phi, preprocessing, validation, features)
    confidence = calibrate(
        learner, phi, preprocessing, validation, calibration_tasks, features=features, inherited=inherited
    )
    fitted_on: dict[str, Any] = {
        "split": "validation",
        "tasks_of_each_size": calibration_tasks,
        "seed": CALIBRATION_SEED,
    }
    if inherited is not None and confidence is inherited.confidence:
        fitted_on[INHERITED] = inherited.facts
    rows = [_row(subject, report, episodes, confidence) for report in reports]
    alike = list(_alike_rows(subject, episodes, confidence))
    return Assessment(confidence, {"calibration": fitted_on, "evaluation": rows, "alike": alike})


def assess_again(
    card: Mapping[str, Any],
    learner: Learner,
    phi: Params,
    preprocessing: Preprocessing,
    validation: ClassImages,
    calibration_tasks: int | None = None,
    inherited: Inherited | None = None,
) -> Assessment:
    """Assess with the reports and numbers of tasks of a card's recipe, or with other ``calibration_tasks``."""
    recipe = card["recipe"]
    return assess(
        learner,
        phi,
        preprocessing,
        validation,
        [Report(**report) for report in recipe["reports"]],
        recipe["report_episodes"],
        calibration_tasks or recipe["calibration_tasks"],
        inherited,
    )


@dataclass(frozen=True)
class _Subject:
    learner: Learner
    phi: Params
    preprocessing: Preprocessing
    validation: ClassImages
    features: Tensor | None

    def measure(self, protocol: Protocol, inner_steps: int | None = None) -> Measured:
        return measure(
            self.learner,
            self.phi,
            self.preprocessing,
            self.validation,
            protocol,
            inner_steps=inner_steps,
            features=self.features,
            progress=True,
        )


def report_protocol(report: Report, episodes: int) -> Protocol:
    """The protocol of a report's accuracy: ``episodes`` tasks drawn by ``REPORT_SEED``."""
    return Protocol(
        report.ways,
        report.shots,
        _QUERIES,
        episodes,
        REPORT_SEED,
        report.within_group,
        same_drawers=report.same_drawers,
    )


def strangers_among(classes: ClassImages, protocol: Protocol, wanted: int = _STRANGERS) -> int:
    """How many classes outside a task, up to ``wanted``, are left to ask about.

    Within groups, as many as the largest group leaves.
    """
    groups = [classes.groups.count(group) for group in set(classes.groups)]
    room = max(groups) if protocol.within_group else len(classes)
    return max(0, min(wanted, room - protocol.ways))


def _row(subject: _Subject, report: Report, episodes: int, confidence: Confidence) -> Mapping[str, Any]:
    protocol = report_protocol(report, episodes)
    measured, start = subject.measure(protocol), subject.measure(protocol, inner_steps=0)
    row = {
        "split": report.split,
        "ways": protocol.ways,
        "shots": protocol.shots,
        "within_group": protocol.within_group,
        "same_drawers": protocol.same_drawers,
        "queries": protocol.queries,
        "episodes": protocol.episodes,
        "seed": protocol.seed,
        "inductive": True,
        "accuracy": round(measured.accuracy, 5),
        "interval": round(measured.interval, 5),
        "accuracy_not_adapted": round(start.accuracy, 5),
        "interval_not_adapted": round(start.interval, 5),
        "calibration_error": round(measured.calibration_error(confidence), 5),
    }
    return row | {
        "unknown": _unknown(subject, protocol, confidence),
        "estimate": _estimate(subject, protocol, confidence),
    }


def _unknown(subject: _Subject, protocol: Protocol, confidence: Confidence) -> Mapping[str, Any] | None:
    """How well queries of other classes are recognised as unknown; None if the data have no other classes."""
    strangers = strangers_among(subject.validation, protocol)
    if not strangers:
        return None
    found = subject.measure(replace(protocol, strangers=strangers)).unknown(confidence)
    return {"strangers": strangers, "keep_known": KEEP_KNOWN, **_rounded(found)}


def _estimate(subject: _Subject, protocol: Protocol, confidence: Confidence) -> Mapping[str, Any]:
    fewest = int(subject.validation.counts.min())
    queries = min(QUERIES, fewest - protocol.shots)
    episodes = min(protocol.episodes, _ESTIMATED_EPISODES)
    found = subject.measure(replace(protocol, queries=queries, episodes=episodes)).estimates(confidence)
    return {"queries": queries, "episodes": episodes, **_rounded(found)}


def _alike_rows(subject: _Subject, episodes: int, confidence: Confidence) -> Iterator[Mapping[str, Any]]:
    """How well low accuracies are foreseen: of tasks of which all or some classes are one and the same."""
    divided = of_each(subject.validation, subject.features, REPORT_SEED)
    ways = number_of_parts(subject.validation)
    for which, (some, features) in zip(("all", "some"), divided, strict=False):
        fewest = int(some.counts.min())
        for shots in (shots for shots in _ALIKE_SHOTS if shots < fewest):
            queries = min(QUERIES, fewest - shots)
            protocol = Protocol(ways, shots, queries, min(episodes, _ALIKE_EPISODES), REPORT_SEED, True)
            found = replace(subject, validation=some, features=features).measure(protocol)
            yield {
                "one_and_the_same": which,
                "ways": protocol.ways,
                "shots": shots,
                "queries": queries,
                "episodes": protocol.episodes,
                "seed": protocol.seed,
                "accuracy": round(found.accuracy, 5),
                "estimate": _rounded(found.estimates(confidence)),
            }


def _rounded(found: Any) -> dict[str, float]:
    return {name: round(value, 4) for name, value in asdict(found).items()}
