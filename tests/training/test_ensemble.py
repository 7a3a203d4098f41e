"""``python -m training ensemble``: what is joined, measured and told, and what is refused."""

import dataclasses
import json
import shutil

import pytest
import torch

from models.heads import Head
from models.initialization import load, save
from models.inner_rule import InnerRule
from tests.made_confidence import constant_confidence
from tests.training.tiny_lda import LEARNER, published
from tests.training.tiny_run import TRAINING, VALIDATION
from training.__main__ import main
from training.commands import ensemble as command
from training.run.ensemble import ensemble_of, publish_ensemble
from training.run.run_classes import RunClasses
from training.run.seen_classes import seen_among
from training.tasks.episodes import EpisodeSampler

# Features are measured, as in training, on all classes of the training tasks, not on the data set's alone.
CLASSES = RunClasses(TRAINING.subset(range(10)), TRAINING, VALIDATION)


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    return [published(tmp_path_factory.mktemp("run"), seed) for seed in (0, 1)]


@pytest.fixture
def join(members, tmp_path, monkeypatch):
    def joined(*options):
        monkeypatch.setattr(command, "load_classes", lambda *_, **__: CLASSES)
        assert main(["ensemble", *map(str, members), "--out", str(tmp_path / "both"), *options]) == 0
        return load(tmp_path / "both")

    return joined


@pytest.fixture
def joined(join):
    return join()


def test_it_holds_what_its_members_learned(joined, members):
    for number, folder in enumerate(members, start=1):
        of_member = load(folder).phi
        for name, value in of_member.items():
            if name.startswith("body."):
                found = joined.phi[f"body.member{number}.{name.removeprefix('body.')}"]
                torch.testing.assert_close(found, value, rtol=1e-3 if value.ndim == 4 else 0, atol=1e-6)
    scales = [load(folder).phi["head.log_scale"] for folder in members]
    torch.testing.assert_close(joined.phi["head.log_scale"], torch.stack(scales).mean())
    assert joined.learner.head == LEARNER.head


def test_the_scatter_is_measured_on_the_features_of_all(joined):
    directions = joined.phi["head.directions.moments"]
    assert directions.shape == (32, 31)
    images = joined.preprocessing.normalise(TRAINING.images)
    features = joined.embedding(images)
    classes = features.unflatten(0, (20, 8))
    off = (classes - classes.mean(1, keepdim=True)).flatten(0, 1)
    along = (off @ directions).square().sum(0) / (len(features) - 20)
    mean = off.square().sum() / (len(features) - 20) / 32
    torch.testing.assert_close(along / mean, joined.phi["head.spread.moments"][:-1], rtol=1e-3, atol=1e-4)


def test_its_card_tells_of_all_members(joined, members):
    card, cards = joined.card, [load(folder).card for folder in members]
    assert joined.name == "tiny0"
    assert [one["name"] for one in card["members"]] == ["tiny0", "tiny1"]
    assert [one["version"] for one in card["members"]] == [one["version"] for one in cards]
    assert [one["recipe"] for one in card["members"]] == [one["recipe"] for one in cards]
    assert card["trained_on"]["outer_steps"] == 60
    assert card["trained_on"]["classes"] == 20
    assert [row["episodes"] for row in card["evaluation"]] == [20, 20]
    # Kernels as float16: less than the members together, by about half of theirs.
    assert card["weights"]["bytes"] < 0.9 * sum(one["weights"]["bytes"] for one in cards)


def test_all_that_a_member_has_seen_is_told(members, tmp_path):
    """Of what teachers and members of members were trained on, nothing counts as unseen."""
    first, second = (load(folder) for folder in members)
    unseen = dataclasses.replace(VALIDATION, classes=tuple(f"other{index}" for index in range(10)))
    taught, joined = ({"trained_on": {"class_names": [name]}} for name in ("other3", "other5"))
    built = dataclasses.replace(second, card={**second.card, "teacher": taught, "members": [joined]})
    card = publish_ensemble([first, built], TRAINING, VALIDATION, tmp_path / "both").card
    assert seen_among(card, "folder", unseen) == ["other3", "other5"]


def test_it_takes_a_name_of_its_own(join, capsys):
    both = join("--name", "pair")
    assert both.name == both.card["name"] == "pair"
    assert [one["name"] for one in both.card["members"]] == ["tiny0", "tiny1"]
    assert f"initialization pair {both.version}, of 2 members" in capsys.readouterr().out


def test_a_member_that_has_seen_validation_classes_is_told(members, tmp_path, monkeypatch, capsys):
    later = tmp_path / "later"
    shutil.copytree(members[1], later)
    card = json.loads((later / "card.json").read_text())
    card["trained_on"]["class_names"].append("other3")  # before the folder grew, and its split moved that class
    (later / "card.json").write_text(json.dumps(card))
    others = dataclasses.replace(VALIDATION, classes=tuple(f"other{index}" for index in range(10)))
    monkeypatch.setattr(command, "load_classes", lambda *_, **__: RunClasses(TRAINING, TRAINING, others))
    assert main(["ensemble", str(members[0]), str(later), "--out", str(tmp_path / "both")]) == 0
    error = capsys.readouterr().err
    assert "was trained on classes named like 1 of these 10 validation classes, for example 'other3'" in error
    assert [line.split()[1] for line in error.splitlines() if line.startswith("warning: ")] == ["tiny1"]


def test_its_card_tells_what_a_member_went_on_from(members, tmp_path):
    first, second = (load(folder) for folder in members)
    drawn = {"name": "drawn", "version": "1" * 12, "trained_on": {"outer_steps": 4, "seconds": 2.0}}
    former = {"name": "former", "version": "0" * 12, "trained_on": {"outer_steps": 7}, "pretrained": drawn}
    gone_on = dataclasses.replace(second, card={**second.card, "pretrained": former})
    card = publish_ensemble([first, gone_on], TRAINING, VALIDATION, tmp_path / "both").card
    assert [one.get("pretrained") for one in card["members"]] == [None, former]
    own = [one.card["trained_on"]["seconds"] for one in (first, second)]
    assert card["trained_on"]["outer_steps"] == 60 + 7 + 4
    assert card["trained_on"]["seconds"] == pytest.approx(sum(own) + 2)


def test_inner_steps_of_the_head_stay_at_the_members_mean_rates(members):
    first = load(members[0])
    moving = dataclasses.replace(first.learner, head=Head("prototype", 4.0), rule=InnerRule("head", 2))
    phis = [moving.initial(seed) for seed in (0, 1)]
    for number, phi in enumerate(phis):
        phi["rates.head.weight"] += number * torch.tensor([0.2, 0.4])
    both = [dataclasses.replace(first, learner=moving, phi=phi) for phi in phis]
    learner, phi = ensemble_of(both)
    torch.testing.assert_close(phi["rates.head.weight"], torch.tensor([0.2, 0.3]))
    assert learner.rule == moving.rule
    batch = EpisodeSampler(VALIDATION, ways=3, shots=2, queries=2, seed=0).episodes([0, 1])
    batch = batch.map_images(first.preprocessing.normalise)
    moved = learner.predict(learner.adapt(phi, batch.support), batch.query_images)
    start = learner.predict(learner.adapt(phi, batch.support, steps=0), batch.query_images)
    assert not torch.allclose(moved, start, atol=1e-4)


def test_an_initialization_is_not_written_over(members, tmp_path, capsys):
    shutil.copytree(members[1], tmp_path / "later")
    before = {path.name: path.read_bytes() for path in (tmp_path / "later").iterdir()}
    assert main(["ensemble", str(members[0]), str(tmp_path / "later"), "--out", str(tmp_path / "later")]) == 2
    assert f"{tmp_path / 'later'} holds an initialization already" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "later").iterdir()} == before


def test_a_member_beside_itself_is_refused(members, tmp_path, capsys):
    shutil.copytree(members[0], tmp_path / "copy")
    given = [str(members[0]), str(members[1]), str(tmp_path / "copy")]
    assert main(["ensemble", *given, "--out", str(tmp_path / "both")]) == 2
    assert f"tiny0 {load(members[0]).version} is given twice" in capsys.readouterr().err
    assert not (tmp_path / "both").exists()


def test_what_does_not_go_together_is_refused_before_anything_is_read(members, tmp_path, capsys):
    first = load(members[0])

    def variant(name, *, learner=first.learner, preprocessing=first.preprocessing, **facts):
        save(
            tmp_path / name,
            name=name,
            learner=learner,
            phi=learner.initial(0),
            preprocessing=preprocessing,
            confidence=constant_confidence(),
            facts={"recipe": first.card["recipe"], **facts},
        )
        return str(tmp_path / name)

    def refused(*names):
        assert main(["ensemble", *names, "--out", str(tmp_path / "out")]) == 2
        assert not (tmp_path / "out").exists()
        return capsys.readouterr().err

    one = str(members[0])
    assert "at least 2 members" in refused(one)
    moving = dataclasses.replace(first.learner, rule=InnerRule("all", 1))
    assert "moves all: the members of an ensemble answer by class means" in refused(
        one, variant("m", learner=moving)
    )
    wide = dataclasses.replace(first.learner, rule=InnerRule("head", 1, "parameter"))
    assert "has learned parameter rates for its own features" in refused(variant("w", learner=wide), one)
    head = dataclasses.replace(first.learner, rule=InnerRule("head", 1))
    assert "differ in inner rule" in refused(one, variant("h", learner=head))
    means = dataclasses.replace(first.learner, head=Head("prototype"))
    assert "differ in head" in refused(one, variant("p", learner=means))
    of_any_length = dataclasses.replace(first.learner.backbone, unit=False, centred=False)
    long = dataclasses.replace(first.learner, backbone=of_any_length)
    told = refused(variant("l", learner=long), one)
    assert f"l {load(tmp_path / 'l').version} has features of any length: the members of an ensemble have" in told
    assert "features of length 1; train it with learner.backbone.unit=true" in told
    brighter = dataclasses.replace(first.preprocessing, mean=(0.5,))
    other = first.card["recipe"] | {"data": {**first.card["recipe"]["data"], "seed": 9}}
    assert "differ in data and preprocessing" in refused(one, variant("d", preprocessing=brighter, recipe=other))
    assert "tells no recipe" in refused(one, variant("n", recipe=None))
