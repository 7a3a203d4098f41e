"""Curves of what inner steps bring."""

import json
from xml.etree import ElementTree

import pytest

from models.initialization import learner_from_dict, save
from tests.made_confidence import constant_confidence
from tests.training.tiny_run import VALIDATION, recipe
from training.__main__ import main
from training.measures.curve_chart import chart
from training.measures.curves import Point, curves
from training.measures.evaluation import measure
from training.measures.measured import Protocol

SVG = "{http://www.w3.org/2000/svg}"


def saved(folder, **rule):
    plan = recipe()
    plan.learner["rule"] |= rule
    learner = learner_from_dict(plan.learner)
    return save(
        folder,
        name="tiny",
        learner=learner,
        phi=learner.initial(seed=0),
        preprocessing=plan.build_preprocessing(),
        confidence=constant_confidence(),
        facts={},
    )


@pytest.fixture(scope="module")
def initialization(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("tiny") / "initialization", moves="head")


def test_gains_are_counted_from_no_step_on_the_same_tasks(initialization):
    protocol = Protocol(4, 1, 2, 30, seed=0)
    points = list(curves(initialization, VALIDATION, protocol, [1, 3], [1, 2], rate=0.2))
    assert [(one.shots, one.steps) for one in points] == [(1, 1), (1, 2), (1, None), (3, 1), (3, 2), (3, None)]
    phi = {
        name: value * 0 + 0.2 if name.startswith("rates") else value for name, value in initialization.phi.items()
    }
    three = Protocol(4, 3, 2, 30, seed=0)
    given = (initialization.learner, phi, initialization.preprocessing, VALIDATION, three)
    gains = measure(*given, inner_steps=2).accuracies - measure(*given, inner_steps=0).accuracies
    assert points[4].gain == pytest.approx(float(gains.mean()))
    assert points[4].worst == pytest.approx(float(gains.min()))
    assert points[2].gain == points[2].worst == 0, "one-shot tasks have nothing to hold out"


def test_the_chart_is_sound_and_says_what_it_shows():
    points = [
        Point(shots, steps, 0.9, gain, 0.01, -0.1)
        for shots in (1, 5)
        for steps, gain in ((1, 0.01), (5, 0.02), (None, 0.015))
    ]
    drawn = ElementTree.fromstring(chart("a < b", points))
    texts = [one.text for one in drawn.iter(f"{SVG}text")]
    assert {"a < b", "inner steps", "0", "1", "5", "chosen", "1-shot", "5-shot"} <= set(texts)
    rings = [one for one in drawn.iter(f"{SVG}g") if "hollow" in one.get("class").split()]
    tips = [[one.text for one in ring.findall(f"{SVG}path[@class='m']/{SVG}title")] for ring in rings]
    assert tips == [[f"{shots}-shot, inner steps chosen: 1.50 ± 1.00 %"] for shots in (1, 5)]


def test_lines_of_the_chart_go_from_left_to_right_and_no_label_lies_on_another():
    shown = [(shots, steps) for shots in range(1, 9) for steps in (10, 1, 5)]
    points = [Point(shots, steps, 0.9, -0.01 * steps, 0.001, -0.1) for shots, steps in shown]
    drawn = ElementTree.fromstring(chart("a", points))
    lines = [one for one in drawn.iter(f"{SVG}g") if one.get("class").startswith("s ")]  # not the legend's
    for one in lines:
        way = one.find(f"{SVG}path[@class='l']").get("d")
        across = [float(point.split()[0]) for point in way[1:].split("L")]
        assert len(across) == 4
        assert across == sorted(across)
    assert len({one.get("class") for one in lines}) == len(lines) == 8
    ends = [float(one.get("y")) for one in drawn.iter(f"{SVG}text") if one.get("text-anchor") == "end"]
    assert min(abs(one - other) for place, one in enumerate(ends) for other in ends[:place]) >= 11


def test_the_command_prints_draws_and_writes(initialization, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("training.commands.curves.classes_of", lambda *_, **__: VALIDATION)
    monkeypatch.setattr("training.commands.curves.find", lambda _: initialization)
    given = ["curves", "tiny", "--dataset", "folder", "--ways", "3", "--queries", "2", "--episodes", "10"]
    given += ["--shots", "1", "2", "--steps", "1", "--rate", "0.1"]
    assert main([*given, "--svg", str(tmp_path / "c.svg"), "--json", str(tmp_path / "c.json")]) == 0
    assert "chosen steps" in capsys.readouterr().out
    assert "rate 0.1" in (tmp_path / "c.svg").read_text()
    assert [one["steps"] for one in json.loads((tmp_path / "c.json").read_text())["points"]] == [1, None, 1, None]
    assert main([*given, "--steps", "0"]) == 2
    assert "at least 1" in capsys.readouterr().err


def test_a_rate_leaves_the_matrices_of_curvature_alone(tmp_path):
    one = saved(tmp_path, moves="head", rates="curvature", initial_rate=0.2)
    protocol = Protocol(4, 1, 2, 20, seed=0)
    learned, given = (list(curves(one, VALIDATION, protocol, [3], [2], rate)) for rate in (None, 0.2))
    assert learned == given


def test_a_learner_that_takes_no_steps_is_told(tmp_path):
    one = saved(tmp_path, moves="nothing", steps=0)
    with pytest.raises(ValueError, match=r"tiny .* moves nothing when it adapts"):
        list(curves(one, VALIDATION, Protocol(4, 1, 2, 5, seed=0), [1], [1]))
