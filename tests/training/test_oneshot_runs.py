"""Lake's one-shot runs: how errors are counted, and what of damaged labels or other options is refused."""

import json

import pytest

from models.initialization import save
from models.learner import Learner
from tests.made_confidence import constant_confidence
from tests.training.made_drawings import drawing
from tests.training.tiny_run import recipe
from training.__main__ import main

WAYS = 20


@pytest.fixture(scope="module")
def initialization(tmp_path_factory):
    folder, plan = tmp_path_factory.mktemp("tiny"), recipe()
    learner = plan.build_learner()
    # Untrained, the prototype start is right about its own support images; steps at random rates need not be.
    phi = {name: value * (not name.startswith("rates")) for name, value in learner.initial(seed=3).items()}
    save(
        folder,
        name="tiny",
        learner=learner,
        phi=phi,
        preprocessing=plan.build_preprocessing(),
        confidence=constant_confidence(),
        facts={},
    )
    return folder


@pytest.fixture
def runs(tmp_path):
    """Twenty runs in the public archive's layout; every test image is a training one."""
    images = [drawing(item, (105, 105)) for item in range(WAYS)]
    for run in range(1, 21):
        folder = tmp_path / "all_runs" / f"run{run:02d}"
        (folder / "training").mkdir(parents=True)
        (folder / "test").mkdir()
        lines = []
        for item, image in enumerate(images, start=1):
            image.save(folder / "training" / f"class{item:02d}.png")
            image.save(folder / "test" / f"item{item:02d}.png")
            lines.append(f"run{run:02d}/test/item{item:02d}.png run{run:02d}/training/class{item:02d}.png")
        (folder / "class_labels.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def oneshot(initialization, data_dir, *more):
    return main(
        ["evaluate", str(initialization), "--benchmark", "omniglot-oneshot", "--data-dir", str(data_dir), *more]
    )


def test_runs_are_answered_and_written(initialization, runs, capsys):
    assert oneshot(initialization, runs, "--json", str(runs / "out.json")) == 0
    figures = json.loads((runs / "out.json").read_text())
    assert figures["error_percent"] == 0.0
    assert len(figures["errors_percent"]) == 20
    assert "0.00 % error over 20 runs" in capsys.readouterr().out


def test_errors_are_counted_in_percent(initialization, runs):
    labels = runs / "all_runs" / "run03" / "class_labels.txt"
    swapped = labels.read_text().replace("item01.png run03/training/class01", "item01.png run03/training/class99")
    swapped = swapped.replace("class02.png", "class01.png").replace("class99", "class02")
    labels.write_bytes(swapped.replace("\n", "\r\n").encode())
    assert oneshot(initialization, runs / "all_runs", "--json", str(runs / "out.json")) == 0
    figures = json.loads((runs / "out.json").read_text())
    assert figures["errors_percent"][2] == 10.0
    assert figures["error_percent"] == 10.0 / 20


def test_missing_runs_say_what_to_unpack_where(initialization, runs, tmp_path, capsys):
    assert oneshot(initialization, tmp_path / "elsewhere") == 2
    assert "unpack all_runs.zip" in capsys.readouterr().err
    (runs / "all_runs" / "run07" / "test" / "item02.png").unlink()
    assert oneshot(initialization, runs) == 2
    assert "item02.png cannot be read" in capsys.readouterr().err


def cut(lines):
    return lines[:3]


def emptied(lines):
    return []


def of_one_word(lines):
    return [*lines[:-1], lines[-1].split()[0]]


def with_a_question_twice(lines):
    return [*lines[:-1], " ".join([lines[0].split()[0], lines[-1].split()[1]])]


def with_a_class_twice(lines):
    return [*lines[:-1], " ".join([lines[-1].split()[0], lines[0].split()[1]])]


def with_a_line_more(lines):
    return [*lines, lines[0]]


@pytest.mark.parametrize(
    "damaged", [cut, emptied, of_one_word, with_a_question_twice, with_a_class_twice, with_a_line_more]
)
def test_damaged_labels_are_no_figure(initialization, runs, damaged, capsys):
    labels = runs / "all_runs" / "run04" / "class_labels.txt"
    labels.write_text("\n".join(damaged(labels.read_text().splitlines())))
    assert oneshot(initialization, runs) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"error: {labels} must have 20 lines")
    assert not printed.out


def test_labels_that_are_no_text_are_named(initialization, runs, capsys):
    labels = runs / "all_runs" / "run04" / "class_labels.txt"
    labels.write_bytes(b"\xff\xfe")
    assert oneshot(initialization, runs) == 2
    assert f"{labels} cannot be read" in capsys.readouterr().err


def test_inner_steps_are_those_asked_for(initialization, runs, monkeypatch):
    asked = set()

    def adapted(learner, phi, support, *, steps=None):
        asked.add(steps)
        return adapt(learner, phi, support, steps=steps)

    adapt = Learner.adapt
    monkeypatch.setattr(Learner, "adapt", adapted)
    for given, steps in (([], None), (["--inner-steps", "0"], 0)):
        asked.clear()
        assert oneshot(initialization, runs, *given, "--json", str(runs / "out.json")) == 0
        assert asked == {steps}
        assert json.loads((runs / "out.json").read_text())["inner_steps"] == steps


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--against", "photos"], "--against"),
        (["--strangers", "3"], "--strangers"),
        (["--episodes", "0"], "--episodes"),
        (["--dataset", "strokes", "--within-alphabet"], "--dataset, --within-alphabet"),
        (["--data-seed", "0", "--keep-known", "0.5"], "--data-seed, --keep-known"),
    ],
)
def test_options_of_other_tasks_are_refused(initialization, runs, options, named, capsys):
    assert oneshot(initialization, runs, *options) == 2
    error = capsys.readouterr().err
    assert error == f"error: --benchmark omniglot-oneshot has tasks of its own; leave out {named}\n"
