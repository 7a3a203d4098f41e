"""What ``auto`` takes does not follow the order in which examples were uploaded."""

from dataclasses import replace
from pathlib import Path

import pytest

from models import choice
from models.choice import AUTO
from models.images.preprocessing import Preprocessing
from service.computing.choosing import choose, in_order
from service.registry import Registry
from service.uploads.images import Example
from tests.service.made_images import drawing, photograph
from tests.service.tiny_service import save_tiny


def test_the_order_of_examples_does_not_choose_the_initialization(tmp_path: Path) -> None:
    """Of more images than are looked at, every other one is; here those are all drawings, or all photographs."""
    drawings = save_tiny(tmp_path / "drawings", name="drawings")
    of_photos = Preprocessing("photo", 28, 3, mean=(0.0,) * 3, std=(1.0,) * 3)
    registry = Registry([drawings, replace(drawings, name="photos", version="2", preprocessing=of_photos)])
    made = [kind(seed) for seed in range(12) for kind in (drawing, photograph)]
    examples = [Example(f"{place}.png", image, 10_000, label=str(place)) for place, image in enumerate(made)]
    turned = examples[1:] + examples[:1]
    first, second = (choose(registry, AUTO, order, lambda: None).name for order in (examples, turned))
    assert first == second


def test_neither_does_it_where_classes_share_an_image() -> None:
    shared, other = drawing(1), drawing(2)
    given = [("b", shared), ("a", shared), ("a", other), ("b", other)]
    examples = [Example("x.png", image, 10_000, label=label) for label, image in given]
    found = [[(one.label, one.content) for one in in_order(order)] for order in (examples, examples[::-1])]
    assert found[0] == found[1]


def test_copies_choose_no_initialization(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One example of each class cannot be left out to compare the candidates, however often it is sent."""
    candidates = [save_tiny(tmp_path / name, name=name, seed=seed) for seed, name in enumerate("ab")]
    registry = Registry([candidates[0], replace(candidates[1], version="2")])
    monkeypatch.setattr(choice, "left_out_error", lambda one, *_: {"a": 0.5, "b": 0.1}[one.name])
    examples = [Example(f"{seed}.png", drawing(seed), 10_000, label=str(seed)) for seed in range(2)]
    assert choose(registry, AUTO, examples, lambda: None).name == "a"
    assert choose(registry, AUTO, examples * 5, lambda: None).name == "a"
    others = [Example(f"{seed}.png", drawing(seed), 10_000, label=str(seed % 2)) for seed in range(4)]
    assert choose(registry, AUTO, others, lambda: None).name == "b"
