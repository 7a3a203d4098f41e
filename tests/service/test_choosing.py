"""What ``auto`` takes does not follow the order in which examples were uploaded, and each is decoded once."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from models import choice
from models.choice import AUTO
from models.images import image_decoding
from models.images.preprocessing import Preprocessing
from service.computing import choosing
from service.computing.choosing import in_order, prepare_support
from service.computing.preparation import shots_of
from service.registry import Registry
from service.uploads import images
from service.uploads.images import Example
from tests.service.made_images import drawing, photograph
from tests.service.tiny_service import save_tiny


def chosen(registry: Registry, examples: Sequence[Example]) -> str:
    """The name of the initialization that ``auto`` takes."""
    return prepare_support(registry, AUTO, [(None, one) for one in examples], lambda: None)[0].name


def test_the_order_of_examples_does_not_choose_the_initialization(tmp_path: Path) -> None:
    """Of more images than are looked at, every other one is; here those are all drawings, or all photographs."""
    drawings = save_tiny(tmp_path / "drawings", name="drawings")
    of_photos = Preprocessing("photo", 28, 3, mean=(0.0,) * 3, std=(1.0,) * 3)
    registry = Registry([drawings, replace(drawings, name="photos", version="2", preprocessing=of_photos)])
    made = [kind(seed) for seed in range(12) for kind in (drawing, photograph)]
    examples = [Example(f"{place}.png", image, 10_000, label=str(place)) for place, image in enumerate(made)]
    turned = examples[1:] + examples[:1]
    first, second = chosen(registry, examples), chosen(registry, turned)
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
    assert chosen(registry, examples) == "a"
    assert chosen(registry, examples * 5) == "a"
    others = [Example(f"{seed}.png", drawing(seed), 10_000, label=str(seed % 2)) for seed in range(4)]
    assert chosen(registry, others) == "b"


def _decoded(monkeypatch: pytest.MonkeyPatch, folder: Path, examples: Sequence[Example]) -> list[bytes]:
    """The files in the order in which they are decoded where ``auto`` chooses between two initializations."""
    candidates = [save_tiny(folder / name, name=name, seed=seed) for seed, name in enumerate("ab")]
    registry = Registry([candidates[0], replace(candidates[1], version="2")])
    found = []

    def decode(content: bytes, max_pixels: int) -> Image.Image:
        found.append(content)
        return image_decoding.decode(content, max_pixels)

    monkeypatch.setattr(images, "decode_bytes", decode)
    given = [(None, one) for one in examples]
    chosen, shots = prepare_support(registry, AUTO, given, lambda: None)
    alone = shots_of(chosen, given, lambda: None)
    assert all(torch.equal(one.input, other.input) for one, other in zip(shots, alone, strict=True))
    return found[: -len(examples)]


def test_a_choice_decodes_nothing_that_is_decoded_anyhow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where candidates are compared by left-out examples."""
    examples = [Example(f"{seed}.png", drawing(seed), 10_000, label=str(seed % 3)) for seed in range(40)]
    assert sorted(_decoded(monkeypatch, tmp_path, examples)) == sorted(one.content for one in examples)


def test_large_images_are_not_all_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = [Example(f"{seed}.png", drawing(seed), 10_000, label=str(seed)) for seed in range(4)]
    monkeypatch.setattr(choosing, "_MOST_LOOKED_AT", 2 * 40 * 40 + 1)
    assert len(_decoded(monkeypatch, tmp_path, examples)) == 4 + 2
