"""Combines finished initializations into an ensemble of their backbones, measured and published as they were."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from models.backbones.backbone import Params
from models.backbones.ensemble import Ensemble
from models.initialization import Initialization, learner_as_dict, save
from models.learner import BODY, HEAD, RATES, Learner, part
from training.datasets.class_images import ClassImages
from training.measures.assessment import assess_again
from training.run.after_warm_up import measure_features
from training.run.former import facts_of
from training.run.half_kernels import with_half_kernels

_BY_MEANS = ("prototype", "lda")
_OF_ANY_WIDTH = ("one", "layer-step", "gate")  # inner rates whose number does not depend on that of the features
_SCALE = f"{HEAD}log_scale"
_MEASURED_BY = ("data", "reports", "report_episodes", "calibration_tasks")
_SEEN = ("data", "classes", "class_names", "groups", "validation_classes", "validation_groups")


def ensemble_of(members: Sequence[Initialization]) -> tuple[Learner, Params]:
    """Put the backbones of several initializations side by side, under one head that answers by class means.

    Kernels are rounded to float16, so that two members take no more space than one did. The head's scale is the
    geometric mean of the members', its inner rates are their arithmetic mean. The scatter of an ``lda`` head is
    left to be measured, on the joint features (see ``measure_features``).

    Raises:
        ValueError: if the members do not go together; the message says what they must have in common.
    """
    first = members[0]
    for one in members:
        _check(first, one)
    backbone = Ensemble(tuple(one.learner.backbone for one in members))
    learner = Learner(backbone, first.learner.head, first.learner.rule)
    phi = learner.initial(seed=0)
    for (at, _), one in zip(backbone.named(), members, strict=True):
        for name, value in part(one.phi, BODY).items():
            phi[f"{BODY}{at}{name}"] = value
    for name in (_SCALE, *(name for name in phi if name.startswith(RATES))):
        phi[name] = torch.stack([one.phi[name] for one in members]).mean(0)
    return learner, with_half_kernels(phi)


def publish_ensemble(
    members: Sequence[Initialization],
    training: ClassImages,
    validation: ClassImages,
    folder: Path,
    name: str = "",
) -> Initialization:
    """Assess an ensemble as at the end of a run, by the recipe of its first member, and write it to ``folder``.

    The card records each member's training and the total steps and seconds, including those of what the members
    started from. Description and licence are the first member's, and so is the name, unless one is given.

    Raises:
        ValueError: if the members do not go together.
    """
    learner, phi = ensemble_of(members)
    first = members[0]
    measure_features(learner, phi, first.preprocessing, training)
    found = assess_again(first.card, learner, phi, first.preprocessing, validation)
    return save(
        folder,
        name=name or first.name,
        learner=learner,
        phi=phi,
        preprocessing=first.preprocessing,
        confidence=found.confidence,
        facts={
            "description": first.card["description"],
            "licence": first.card["licence"],
            "trained_on": {
                **_told(first.card["trained_on"], *_SEEN),
                **{key: sum(_in_all(one.card, key) for one in members) for key in ("outer_steps", "seconds")},
            },
            "members": [facts_of(one) for one in members],
            "recipe": {**_told(first.card["recipe"], *_MEASURED_BY), "learner": learner_as_dict(learner)},
            **found.facts,
        },
    )


def _check(first: Initialization, one: Initialization) -> None:
    learner, recipe = one.learner, one.card.get("recipe")
    if recipe is None:
        raise ValueError(
            f"the card of {one.name} {one.version} tells no recipe, so not which classes it has seen"
        )
    if learner.rule.moves_body or learner.head.kind not in _BY_MEANS:
        raise ValueError(
            f"{one.name} {one.version} answers by the {learner.head.kind} head and moves {learner.rule.moves}: "
            "the members of an ensemble answer by class means (prototype or lda) and move at most the head"
        )
    if not learner.backbone.unit:
        raise ValueError(
            f"{one.name} {one.version} has features of any length: the members of an ensemble have features of "
            "length 1; train it with learner.backbone.unit=true"
        )
    if learner.rule.moves_head and learner.rule.rates not in _OF_ANY_WIDTH:
        raise ValueError(
            f"{one.name} {one.version} has learned {learner.rule.rates} rates for its own features: the members "
            f"of an ensemble have {', '.join(_OF_ANY_WIDTH)} rates"
        )
    differing = [
        what
        for what, same in (
            ("data", recipe["data"] == first.card["recipe"]["data"]),
            ("preprocessing", one.preprocessing == first.preprocessing),
            ("head", learner.head.kind == first.learner.head.kind),
            ("inner rule", learner.rule == first.learner.rule),
        )
        if not same
    ]
    if differing:
        raise ValueError(
            f"{first.name} {first.version} and {one.name} {one.version} differ in {' and '.join(differing)}: the "
            "members of an ensemble have seen the same classes, and answer alike"
        )


def _in_all(card: Any, key: str) -> float:
    """Sum a number of a card's training over it and everything that it was ``pretrained`` from."""
    total: float = 0
    while card:
        total += card.get("trained_on", {}).get(key, 0)
        card = card.get("pretrained")
    return total


def _told(values: Any, *keys: str) -> dict[str, Any]:
    return {key: values[key] for key in keys if key in values}
