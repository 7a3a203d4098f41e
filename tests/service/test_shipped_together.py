"""Callers whose adaptations run in one batch get what each gets alone, by the initializations that ship."""

import random
from collections.abc import Sequence
from functools import cache

import pytest
import torch

from models.class_scatter import STRANGERS
from models.initialization import Initialization, load, shipped
from service.computing.classifier import Answer, Classifier
from service.computing.fitting import Shot, fit_together

QUERIES = 8


@cache
def loaded(name: str) -> Initialization:
    return load(shipped()[name])


def near_training_classes(initialization: Initialization, which: Sequence[int], seed: int) -> torch.Tensor:
    """Features about as they occur: the mean of a training class (random if the head keeps none), and noise."""
    wide = initialization.learner.backbone.features
    made = torch.randn(64, wide, generator=torch.Generator().manual_seed(0)) / wide**0.5
    means = initialization.phi.get(f"head.{STRANGERS}", made)[list(which)]
    noise = torch.randn(means.shape, generator=torch.Generator().manual_seed(seed))
    return means + noise * means.std(1, keepdim=True)


def task(initialization: Initialization, seed: int) -> list[Shot]:
    chance = random.Random(seed)
    classes = chance.sample(range(64), chance.randint(2, 9))
    which = [one for one in classes for _ in range(chance.randint(1, 7))]
    features = near_training_classes(initialization, which, seed)
    return [
        Shot(f"{one}", f"{place}.png", None, f"{chance.getrandbits(256):064x}", value, embedded=True)
        for place, (one, value) in enumerate(zip(which, features.unbind(), strict=True))
    ]


def answered(classifier: object, queries: torch.Tensor) -> list[Answer]:
    assert isinstance(classifier, Classifier)
    with torch.no_grad():
        return classifier._answered([""] * len(queries), queries[None])


@pytest.mark.parametrize("name", ["characters", "photos"])
def test_each_gets_what_it_gets_alone(name: str) -> None:
    initialization = loaded(name)
    queries = near_training_classes(initialization, range(QUERIES), 99)
    for batch in range(8):
        tasks = [task(initialization, 10 * batch + place) for place in range(5)]
        for given, together in zip(tasks, fit_together(initialization, tasks, lambda: None), strict=True):
            (alone,) = fit_together(initialization, [given], lambda: None)
            expected, found = answered(alone, queries), answered(together, queries)
            if name == "photos":
                assert found == expected
            for one, other in zip(found, expected, strict=True):
                assert one["probabilities"] == pytest.approx(other["probabilities"], rel=0, abs=1e-6)
                assert (one["label"], one["unknown"]) == (other["label"], other["unknown"])
