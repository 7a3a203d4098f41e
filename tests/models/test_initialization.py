"""An initialization is read back as it was written, or refused with what to do."""

import json
import math
import stat

import pytest
import torch
from safetensors import safe_open

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.images.preprocessing import Preprocessing
from models.initialization import CARD, WEIGHTS, InitializationError, load, save, shipped
from models.inner_rule import InnerRule
from models.learner import Learner
from models.task_size import TaskSize
from tests.made_confidence import constant_confidence


@pytest.fixture
def folder(tmp_path):
    learner = Learner(Conv4(1, 28, 8, groups=4), Head("prototype"), InnerRule("all", 2))
    save(
        tmp_path / "tiny",
        name="tiny",
        learner=learner,
        phi=learner.initial(seed=0),
        preprocessing=Preprocessing("drawing", 28, 1, margin=0.1),
        confidence=constant_confidence(temperature=2.0),
        facts={"description": "for tests"},
    )
    return tmp_path / "tiny"


def change_card(folder, change):
    card = json.loads((folder / CARD).read_text())
    change(card)
    (folder / CARD).write_text(json.dumps(card))


def test_round_trip(folder):
    initialization = load(folder)
    fresh = initialization.learner.initial(seed=0)
    assert initialization.name == "tiny"
    assert initialization.version == initialization.card["version"]
    assert initialization.preprocessing.margin == 0.1
    assert initialization.confidence.temperature(TaskSize.of(7, 2)) == pytest.approx(2.0)
    assert initialization.confidence == constant_confidence(temperature=2.0)
    assert {path.name for path in folder.iterdir()} == {WEIGHTS, CARD}
    assert all(torch.equal(initialization.phi[name], value) for name, value in fresh.items())


def test_others_may_read_it(folder):
    """A service often runs as another user than training did."""
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}


def flip_a_byte(folder):
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-3] ^= 1
    (folder / WEIGHTS).write_bytes(content)


def spoil_a_number(folder, number):
    """As training that diverged would have written it: with a sha256 of its own."""
    first = load(folder)
    phi = {name: value.clone() for name, value in first.phi.items()}
    phi["body.block2.shift"][0] = number
    parts = {key: getattr(first, key) for key in ("learner", "preprocessing", "confidence")}
    save(folder, name="tiny", phi=phi, facts={}, **parts)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip_a_byte, "weights.safetensors is damaged or belongs to another card"),
        (lambda f: (f / WEIGHTS).write_bytes((f / WEIGHTS).read_bytes()[:100]), "damaged"),
        (lambda f: (f / WEIGHTS).unlink(), "weights.safetensors is missing"),
        (lambda f: (f / CARD).unlink(), "card.json is missing"),
        (lambda f: (f / CARD).write_text("{"), "not valid JSON"),
        (lambda f: change_card(f, lambda card: card.update(format=2)), "not of format 3"),
        (lambda f: change_card(f, lambda card: card.update(format=99)), "not of format 3"),
        (lambda f: change_card(f, lambda card: card.pop("learner")), "does not describe"),
        (lambda f: change_card(f, lambda card: card.update(preprocessing=[])), "does not describe"),
        (
            lambda f: change_card(f, lambda card: card["preprocessing"].update(mean=[math.nan])),
            "does not describe",
        ),
        (lambda f: change_card(f, lambda card: card["preprocessing"].update(margin="x")), "does not describe"),
        (
            lambda f: change_card(f, lambda card: card["learner"]["backbone"].update(groups=0)),
            "does not describe",
        ),
        (
            lambda f: change_card(f, lambda card: card["learner"]["backbone"].update(channels=-1)),
            "does not describe",
        ),
        (lambda f: change_card(f, lambda card: card["learner"]["rule"].update(steps=1.5)), "does not describe"),
        (
            lambda f: change_card(f, lambda card: card["learner"]["rule"].update(steps=1.5, rates="one")),
            "steps must be a whole number, not 1.5",
        ),
        (
            lambda f: change_card(f, lambda card: card["learner"]["backbone"].update(groups=4.0)),
            "groups must be a whole number",
        ),
        (lambda f: change_card(f, lambda card: card["preprocessing"].update(side=28.0)), "side must be a whole"),
        (lambda f: change_card(f, lambda card: card["preprocessing"].update(mean="0")), "one number a channel"),
        (
            lambda f: change_card(f, lambda card: card["learner"]["head"].update(initial_scale=0)),
            "must be positive",
        ),
        (
            lambda f: change_card(f, lambda card: card["confidence"].update(log_temperature=3)),
            "does not describe",
        ),
        (lambda f: (f / CARD).write_text("[" * 100_000), "not valid JSON"),
        (lambda f: (f / CARD).write_text('{"seed": ' + "1" * 5000 + "}"), "not valid JSON .*digits"),
        (lambda f: ((f / CARD).unlink(), (f / CARD).mkdir()), "card.json cannot be read"),
        (lambda f: ((f / WEIGHTS).unlink(), (f / WEIGHTS).mkdir()), "weights.safetensors cannot be read"),
        (lambda f: change_card(f, lambda card: card["learner"]["rule"].update(steps=5)), "rates.* should be"),
        (
            lambda f: change_card(f, lambda card: card["learner"]["backbone"].update(width=16)),
            "body.*should be",
        ),
        (lambda f: change_card(f, lambda card: card["preprocessing"].update(side=40)), "the backbone takes"),
        (
            lambda f: change_card(
                f,
                lambda card: card["preprocessing"].update(
                    kind="photo", channels=3, margin=None, mean=[0.0] * 3, std=[1.0] * 3
                ),
            ),
            "the backbone takes",
        ),
        (lambda f: spoil_a_number(f, math.inf), "block2.shift holds numbers that are not finite"),
        (lambda f: spoil_a_number(f, math.nan), "block2.shift holds numbers that are not finite"),
        (lambda f: change_card(f, lambda card: card["confidence"].pop("log_temperature")), "temperature"),
    ],
)
def test_a_damaged_or_mismatching_one_is_refused(folder, damage, message):
    damage(folder)
    with pytest.raises(InitializationError, match=message):
        load(folder)


def test_names_that_are_no_utf8_are_kept(folder):
    first = load(folder)
    facts = {"trained_on": {"groups": ["gr\udce9"]}}
    parts = {key: getattr(first, key) for key in ("learner", "phi", "preprocessing", "confidence")}
    save(folder, name="tiny", facts=facts, **parts)
    assert load(folder).card["trained_on"] == facts["trained_on"]


def test_what_cannot_be_written_whole_leaves_the_former(folder, monkeypatch):
    first = load(folder)
    parts = {key: getattr(first, key) for key in ("learner", "preprocessing", "confidence")}
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:  # the card's
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("models.initialization.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save(folder, name="tiny", phi=first.learner.initial(seed=1), facts={}, **parts)
    assert load(folder).version == first.version
    assert {path.name for path in folder.iterdir()} == {WEIGHTS, CARD}


def test_replacing_one_leaves_no_leftovers(folder):
    first = load(folder)
    save(
        folder,
        name="tiny",
        learner=first.learner,
        phi=first.learner.initial(seed=1),
        preprocessing=first.preprocessing,
        confidence=first.confidence,
        facts={},
    )
    assert load(folder).version != first.version
    assert {path.name for path in folder.iterdir()} == {WEIGHTS, CARD}


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("learner", lambda one: one["head"].update(initial_scale=9.0)),
        ("preprocessing", lambda one: one.update(margin=0.2)),
        ("confidence", lambda one: one["log_temperature"].update(constant=1.5)),
    ],
)
def test_the_version_tells_whatever_answers_come_from_but_not_what_is_told_beside(folder, key, change):
    first = load(folder).version
    change_card(folder, lambda card: card.update(description="Otherwise told.", evaluation=[]))
    assert load(folder).version == first
    change_card(folder, lambda card: change(card[key]))
    assert load(folder).version != first


def test_float16_is_kept_where_it_loses_nothing(folder):
    first = load(folder)
    phi = {name: value.half().float() if value.ndim == 4 else value + 1e-5 for name, value in first.phi.items()}
    save(
        folder,
        name="tiny",
        learner=first.learner,
        phi=phi,
        preprocessing=first.preprocessing,
        confidence=first.confidence,
        facts={},
    )
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        kept = {name: file.get_tensor(name).dtype for name in phi}
    assert {kept[name] for name, value in phi.items() if value.ndim == 4} == {torch.float16}
    assert torch.float32 in kept.values()
    again = load(folder).phi
    assert all(again[name].dtype == torch.float32 for name in phi)
    assert all(torch.equal(again[name], value) for name, value in phi.items())


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_ones_load_and_are_small(name):
    initialization = load(shipped()[name])
    assert initialization.name == name
    most = {"drawing": 5_000_000, "photo": 30_000_000}[initialization.preprocessing.kind]
    assert initialization.card["weights"]["bytes"] <= most
    assert initialization.card["licence"]
    assert initialization.card["evaluation"]
