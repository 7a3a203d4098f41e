"""Which classes are taken for which."""

import base64
import io
import json
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from models.initialization import save
from tests.made_confidence import constant_confidence
from tests.training.made_drawings import drawing
from tests.training.tiny_run import noisy_classes, recipe
from training.__main__ import main
from training.measures.measured import Measured, Protocol
from training.measures.mistakes import MistakenPair, mistakes
from training.measures.mistakes_chart import chart
from training.printable import printable

SVG = "{http://www.w3.org/2000/svg}"
CLASSES = replace(noisy_classes(4, seed=0), classes=("a/1", "a/2", "b/1", "b/2"), groups=("a", "a", "b", "b"))


def _measured(ids, labels, answers):
    ids, labels, answers = torch.tensor(ids), torch.tensor(labels), torch.tensor(answers)
    logits = torch.nn.functional.one_hot(answers, ids.shape[1]).float()
    right = (answers == labels).double().mean(1)
    tasks, queries = labels.shape
    familiar, strange = torch.ones(tasks, queries), torch.zeros(tasks, 0)
    protocol = Protocol(ids.shape[1], 1, 1, tasks, seed=0)
    return Measured(protocol, right, logits, labels, ids, familiar, strange, (), "")


def test_mistakes_are_counted_against_the_questions_that_could_go_wrong_so(monkeypatch):
    monkeypatch.setattr("training.measures.mistakes.LEAST_ASKED", 2)
    # The first task asks a/2 twice and a/1, the second b/1 and a/1 twice: a/1 and a/2 are together in one only.
    measured = _measured([[1, 0], [2, 0]], [[0, 0, 1], [0, 1, 1]], [[1, 0, 0], [1, 1, 1]])
    found = mistakes(measured, CLASSES)
    assert found.pairs == (MistakenPair("a/1", "a/2", 2, 3), MistakenPair("a/1", "b/1", 1, 3))
    assert found.pairs[0].share == pytest.approx(2 / 3)
    assert found.wrong == 3
    assert found.of_worst(1) == pytest.approx(2 / 3)
    assert found.of_worst(5) == 1
    assert [(one.group, one.classes) for one in found.groups] == [("b", 2), ("a", 2)]
    assert [one.accuracy for one in found.groups] == pytest.approx([0, (1 / 3 + 1) / 2])
    assert found.groups[0].interval is None, "a single task asks about b"
    assert found.groups[1].interval == pytest.approx(1.959964 * 2**0.5 / 3 / 2**0.5)


def test_pairs_asked_about_too_rarely_are_left_out():
    found = mistakes(_measured([[0, 1]], [[0, 1]], [[1, 1]]), CLASSES)
    assert found.pairs == ()
    assert found.wrong == 1
    assert found.of_worst(1) == 0


def test_without_mistakes_there_are_no_pairs():
    found = mistakes(_measured([[0, 1], [1, 0]], [[0, 1], [1, 0]], [[0, 1], [1, 0]]), CLASSES)
    assert found.pairs == ()
    assert found.of_worst(1) == 0
    assert [one.accuracy for one in found.groups] == [1]


def _read(text):
    """What a text shows; its title is told when it is pointed at."""
    title = text.find(f"{SVG}title")
    return text.text if title is None else title.tail


@pytest.mark.parametrize("drawings", [False, True])
def test_the_chart_shows_both_classes_and_ink_dark(drawings):
    drawn = ElementTree.fromstring(
        chart("a < b", [MistakenPair("a/1", "b/2", 3, 12)], CLASSES, drawings=drawings)
    )
    texts = [_read(one) for one in drawn.iter(f"{SVG}text")]
    assert texts == ["a < b", "25 % of 12 mistaken", "a/1", "b/2"]
    shown = [one.get("href") for one in drawn.iter(f"{SVG}image")]
    of_each = min(6, len(CLASSES.of_class(0)))
    assert len(shown) == 2 * of_each
    levels = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown[of_each].split(",")[1]))))
    kept = CLASSES.of_class(3)[0, 0].numpy()
    assert np.array_equal(levels[:, :, 0], 255 - kept if drawings else kept)


def test_no_text_of_the_chart_lies_on_another():
    names = ("Ojibwe_(Canadian_Aboriginal_Syllabics)/character01", "Alphabet_of_the_Magi/character04")
    classes = replace(CLASSES, classes=(names[0], "x" * 90 + "/1", names[1], "b/2"))
    pairs = [MistakenPair(names[0], names[1], 80, 1620), MistakenPair("x" * 90 + "/1", "b/2", 3, 12)]
    drawn = ElementTree.fromstring(chart("a", pairs, classes, drawings=True))
    lines = {}
    for one in drawn.iter(f"{SVG}text"):
        assert one.get("text-anchor") == "start"
        lines.setdefault(float(one.get("y")), []).append((float(one.get("x")), 6.5 * len(_read(one))))
    for line in lines.values():
        for (start, width), (following, _) in pairwise(sorted(line)):
            assert start + width < following
    titles = [one.text for one in drawn.iter(f"{SVG}title")]
    assert titles == [names[0], names[1], "x" * 90 + "/1", "b/2"]


def test_control_characters_of_names_do_not_spoil_the_chart():
    names = ("a\x1b[1m/1", "b\udcff/2")
    classes = replace(CLASSES, classes=(names[0], "a/2", "b/1", names[1]))
    drawn = chart("t\x07", [MistakenPair(*names, 3, 12)], classes, drawings=True)
    read = ElementTree.fromstring(drawn.encode())
    assert read.get("aria-label") == r"t\x07"
    assert [_read(one) for one in read.iter(f"{SVG}text")][2:] == [r"a\x1b[1m/1", r"b\udcff/2"]
    assert [one.text for one in read.iter(f"{SVG}title")] == [r"a\x1b[1m/1", r"b\udcff/2"]


def test_the_command_finds_two_classes_that_look_alike(tmp_path, capsys):
    for label, look in enumerate((0, 1, 2, 2)):  # the last two are the same drawing
        for parent in ("train", "test"):
            folder = tmp_path / "data" / parent / f"symbol{label}"
            folder.mkdir(parents=True)
            for index in range(6):
                drawing(look, (40, 40)).rotate(index, fillcolor=255).save(folder / f"{index}.png")
    plan = recipe()
    learner = plan.build_learner()
    # Inner steps at random rates may spoil what class means tell.
    phi = {name: value * (not name.startswith("rates")) for name, value in learner.initial(seed=0).items()}
    facts = {"name": "tiny", "learner": learner, "phi": phi, "preprocessing": plan.build_preprocessing()}
    save(tmp_path / "tiny", **facts, confidence=constant_confidence(), facts={})
    given = ["mistakes", str(tmp_path / "tiny"), "--dataset", "folder", "--data-dir", str(tmp_path / "data")]
    given += ["--split", "test", "--ways", "3", "--queries", "4", "--episodes", "40", "--pairs", "1"]
    assert main([*given, "--svg", str(tmp_path / "m.svg"), "--json", str(tmp_path / "m.json")]) == 0
    printed = capsys.readouterr().out
    assert "tiny, folder test, 3-way 1-shot, 40 episodes, seed 0" in printed
    assert "symbol2 and symbol3" in printed
    assert (tmp_path / "m.svg").read_text().count("<image") == 12
    written = json.loads((tmp_path / "m.json").read_text())
    assert written["pairs"][0]["first"].endswith("symbol2")
    assert written["wrong"] >= written["pairs"][0]["mistaken"] > 0
    assert main([*given, "--pairs", "0"]) == 2
    assert "--pairs must be at least 1" in capsys.readouterr().err


def test_names_with_control_characters_stay_on_their_row(tmp_path, capsys):
    groups = ("a\tb\nc", "\x1b[31mred")
    for look, group in enumerate(groups * 2):
        for parent in ("train", "test"):
            folder = tmp_path / "data" / parent / group / f"symbol{look}"
            folder.mkdir(parents=True)
            for index in range(6):
                drawing(0, (40, 40)).rotate(index, fillcolor=255).save(folder / f"{index}.png")
    plan = recipe()
    learner = plan.build_learner()
    facts = {"learner": learner, "phi": learner.initial(seed=0), "preprocessing": plan.build_preprocessing()}
    save(tmp_path / "tiny", name="tiny", **facts, confidence=constant_confidence(), facts={})
    given = ["mistakes", str(tmp_path / "tiny"), "--dataset", "folder", "--data-dir", str(tmp_path / "data")]
    assert main([*given, "--split", "test", "--ways", "3", "--queries", "4", "--episodes", "40"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert sorted(row.split("  2 classes")[0].rstrip() for row in rows[1:3]) == [
        r"  \x1b[31mred",
        r"  a\tb\nc",
    ]
    assert len({row.index("classes") for row in rows[1:3]}) == 1, "in columns"
    assert any(r"\x1b[31mred/symbol1 and a\tb\nc/symbol" in row for row in rows[4:])


def test_names_in_any_script_are_printed_as_they_are():
    for name in ("क्‍ष", "a\u00a0b", "é", "👩‍🎨"):
        assert printable(name) == name
    assert printable("caf\udce9\x7f\u2028") == r"caf\udce9\x7f\u2028"
