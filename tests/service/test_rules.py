"""The rules that every classifier keeps, over HTTP."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from starlette.testclient import TestClient

from models.support import Support
from models.task_size import TaskSize
from service.computing.classifier import AT_ONCE
from service.uploads.images import decode
from tests.service.made_images import drawing
from tests.service.tiny_service import LIKE_PHOTOS, TINY, save_like_photos, save_tiny, serving

HEAD_ONLY = "tiny-head"
MODELS = (TINY, HEAD_ONLY, LIKE_PHOTOS)
Labelled = list[tuple[str, int]]  # labels, and the seeds of their drawings


@dataclass(frozen=True)
class Served:
    client: TestClient

    def classify(self, model: str, support: Labelled, queries: list[int]) -> list[dict[str, Any]]:
        files = [("support", (f"{seed}.png", drawing(seed))) for _, seed in support]
        files += [("query", (f"{seed}.png", drawing(seed))) for seed in queries]
        labels = [label for label, _ in support]
        answer = self.client.post("/v1/classify", files=files, data={"labels": labels, "model": model})
        assert answer.status_code == 200, answer.text
        assert answer.json()["model"] == model
        predictions: list[dict[str, Any]] = answer.json()["predictions"]
        return predictions

    @property
    def phi(self) -> dict[tuple[str, str], torch.Tensor]:
        offered = self.client.app.state.components.registry.offered
        return {(one.name, name): value.clone() for one in offered for name, value in one.phi.items()}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data_dir = tmp_path_factory.mktemp("var")
    save_tiny(data_dir / "initializations" / HEAD_ONLY, name=HEAD_ONLY, seed=1, moves="head")
    save_like_photos(data_dir / "initializations" / LIKE_PHOTOS)
    with serving(data_dir) as client:
        yield Served(client)


SUPPORT: Labelled = [("a", 1), ("a", 2), ("b", 3), ("c", 4), ("c", 5), ("c", 6)]
OTHER: Labelled = [("x", 11), ("y", 12), ("y", 13), ("z", 14), ("w", 15)]
QUERIES = [21, 22, 23, 24, 25]
MANY = list(range(21, 21 + AT_ONCE + 3))  # more than go through the network at once


def assert_close(answers: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    """The same answers, every number to 1e-6: adapted together, sums may run in another order than alone."""
    for one, other in zip(answers, others, strict=True):
        assert (one["filename"], one["label"], one["unknown"]) == (
            other["filename"],
            other["label"],
            other["unknown"],
        )
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-6)
        for near, same in zip(one["nearest"], other["nearest"], strict=True):
            assert near == {**same, "similarity": pytest.approx(same["similarity"], abs=1e-6)}


@pytest.mark.parametrize("model", MODELS)
def test_answers_are_whole(served: Served, model: str) -> None:
    answers = served.classify(model, SUPPORT, QUERIES)
    assert [one["filename"] for one in answers] == [f"{seed}.png" for seed in QUERIES]
    for one in answers:
        assert list(one["probabilities"]) == ["a", "b", "c"]
        assert sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-9)
        assert one["probability"] == max(one["probabilities"].values()) == one["probabilities"][one["label"]]
        assert isinstance(one["unknown"], bool)
        assert [near["similarity"] for near in one["nearest"]] == sorted(
            (near["similarity"] for near in one["nearest"]), reverse=True
        )
        assert {(near["label"], near["filename"]) for near in one["nearest"]} <= {
            (label, f"{seed}.png") for label, seed in SUPPORT
        }
    if model == LIKE_PHOTOS:
        assert {one["unknown"] for one in answers} == {True, False}, "else what tells them apart is not tested"
    (itself,) = served.classify(model, SUPPORT, [4])
    assert itself["nearest"][0]["filename"] == "4.png"
    assert itself["nearest"][0]["similarity"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_batch_mates_do_not_matter(served: Served, model: str) -> None:
    together = served.classify(model, SUPPORT, MANY)
    assert [served.classify(model, SUPPORT, [seed])[0] for seed in MANY] == together
    assert served.classify(model, SUPPORT, MANY[::-1])[::-1] == together


def test_concurrent_callers_with_other_tasks_do_not_matter(served: Served) -> None:
    phi = served.phi
    work = [(model, support) for model in MODELS for support in (SUPPORT, OTHER)]
    alone = [served.classify(model, support, QUERIES) for model, support in work]
    with ThreadPoolExecutor(2) as callers:
        for _ in range(3):
            order = random.Random(0).sample(range(len(work)), len(work))
            answers = list(callers.map(lambda k: served.classify(*work[k], QUERIES), order))
            for answer, k in zip(answers, order, strict=True):
                assert_close(answer, alone[k])
    after = served.phi
    assert phi.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in phi.items())


@pytest.mark.parametrize("model", MODELS)
def test_the_order_of_examples_does_not_matter(served: Served, model: str) -> None:
    first = served.classify(model, SUPPORT, QUERIES)
    for seed in range(3):
        shuffled = random.Random(seed).sample(SUPPORT, len(SUPPORT))
        assert served.classify(model, shuffled, QUERIES) == first


def test_nor_does_it_among_examples_that_are_one_image_under_two_names(served: Served) -> None:
    names = {"first.png": "a", "second.png": "a", "other.png": "b"}
    files = {name: drawing(2 if name == "other.png" else 1) for name in names}

    def asked(order: list[str]) -> list[str]:
        support = [("support", (name, files[name])) for name in order]
        answer = served.client.post(
            "/v1/classify",
            files=[*support, ("query", ("q.png", drawing(1)))],
            data={"labels": [names[name] for name in order], "model": TINY},
        )
        return [near["filename"] for near in answer.json()["predictions"][0]["nearest"]]

    assert asked(list(names)) == asked(list(names)[::-1]) == ["first.png", "other.png"], "a copy counts once"


@pytest.mark.parametrize("model", MODELS)
def test_renaming_classes_renames_the_answer(served: Served, model: str) -> None:
    names = {"a": "c", "b": "a", "c": "b"}
    first = served.classify(model, SUPPORT, QUERIES)
    renamed = served.classify(model, [(names[label], seed) for label, seed in SUPPORT], QUERIES)
    for one, other in zip(first, renamed, strict=True):
        assert other["label"] == names[one["label"]]
        assert other["probabilities"] == {names[label]: value for label, value in one["probabilities"].items()}
        assert [near["label"] for near in other["nearest"]] == [names[near["label"]] for near in one["nearest"]]


@pytest.mark.parametrize("model", MODELS)
def test_adapts_as_meta_training_does(served: Served, model: str) -> None:
    """The inner loop over a padded batch of two tasks, as meta-training runs it, gives the same answers."""
    registry = served.client.app.state.components.registry
    initialization = next(one for one in registry.offered if one.name == model)

    def pixels(seeds: list[int]) -> torch.Tensor:
        images = [decode(drawing(seed), "", max_pixels=10_000) for seed in seeds]
        return torch.stack([initialization.preprocessing(image) for image in images])

    tasks = [SUPPORT, OTHER]
    images = torch.rand(2, 6, *pixels([1])[0].shape)
    labels, weights = torch.zeros(2, 6, dtype=torch.int64), torch.zeros(2, 6)
    for task, labelled in enumerate(tasks):
        names = sorted({label for label, _ in labelled})
        images[task, : len(labelled)] = pixels([seed for _, seed in labelled])
        labels[task, : len(labelled)] = torch.tensor([names.index(label) for label, _ in labelled])
        weights[task, : len(labelled)] = 1
    support = Support(images, labels, weights, torch.tensor([3, 4]))
    phi = {name: value.clone().requires_grad_() for name, value in initialization.phi.items()}
    theta = initialization.learner.adapt(phi, support, second_order=True)
    logits = initialization.learner.predict(theta, pixels(QUERIES).expand(2, -1, -1, -1, -1)).detach()

    for task, labelled in enumerate(tasks):
        names = sorted({label for label, _ in labelled})
        size = TaskSize.of_counts([[label for label, _ in labelled].count(name) for name in names])
        shares = initialization.confidence.probabilities(logits[task, :, : len(names)], size)
        for one, expected in zip(served.classify(model, labelled, QUERIES), shares.tolist(), strict=True):
            assert list(one["probabilities"].values()) == pytest.approx(expected, abs=1e-6)
