"""``race``: a row for each algorithm, on the same data and tasks, kept as it finishes and gone on with."""

import json
import signal
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from models.initialization import learner_as_dict
from training.__main__ import main
from training.algorithms import ALGORITHMS
from training.comparison.marked import check_marked
from training.race.entrants import recipe_of
from training.race.outcome import PART
from training.race.pace import Pace, Trial, pace_of
from training.race.plan import PLANS, read_plan
from training.run.trainer import CHECKPOINT, Trainer

TINY = [
    "strokes",
    "--set",
    "backbone.width=8",
    "--set",
    "data={name: strokes, strokes: 20, development: 6, unseen_strokes: 6}",
    "--set",
    "training={ways: 3, queries: 2, tasks: 2, looks: 2}",
    "--set",
    "choice={ways: 3, episodes: 4}",
    "--set",
    "tasks={ways: [2, 5], queries: 2, episodes: 6}",
]
DOCUMENT = Path(__file__).parents[2] / "docs" / "algorithms.md"
NAMES = ["maml", "protonet", "searched-maml"]
STEPS = 6


@pytest.fixture(autouse=True)
def pace(monkeypatch):
    """A trial's answer that does not depend on the machine."""
    found = Pace(trial_steps=3, seconds_of_a_step=0.1, steps=STEPS)
    monkeypatch.setattr("training.race.rows.pace_of", lambda *_: found)
    return found


def race(out, *arguments, only=NAMES):
    return main(["race", *TINY, "--only", ",".join(only), "--out", str(out), *map(str, arguments)])


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("race")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("training.race.rows.pace_of", lambda *_: Pace(3, 0.1, STEPS))
        assert race(folder) == 0
    return folder


@pytest.fixture(scope="module")
def found(out):
    return json.loads((out / "race.json").read_text())


def test_each_algorithm_is_measured_on_the_same_unseen_tasks(found, pace):
    assert [row["algorithm"] for row in found["rows"]] == NAMES
    assert found["facts"] == {"training_classes": 14, "development_classes": 6, "unseen_classes": 6}
    for row in found["rows"]:
        assert [(one["ways"], one["shots"]) for one in row["unseen"]] == [(2, 1), (5, 1)]
        for one in row["unseen"]:
            assert len(one["right"]) == 6
            assert one["answers"] == 2 * one["ways"]
            assert one["accuracy"] == pytest.approx(sum(one["right"]) / (6 * one["answers"]), abs=1e-6)
        training = row["training"]
        assert training["steps"] == STEPS
        assert len(training["looks"]) == 2
        assert training["tasks_per_second"] == pytest.approx(STEPS * 2 / training["seconds"])
        assert row["pace"] == vars(pace)
        assert row["seconds_of_adapting"] > 0


def test_what_chose_phi_is_apart_from_what_is_reported(found):
    plan = read_plan("omniglot")
    assert plan.choice.seed != plan.tasks.seed
    for row in found["rows"]:
        assert row["recipe"]["validation"]["seed"] == found["plan"]["choice"]["seed"]
        assert row["recipe"]["seed"] != found["plan"]["tasks"]["seed"]


def test_trained_parameters_are_those_that_moved(found):
    rows = {row["algorithm"]: row for row in found["rows"]}
    plan = read_plan("strokes", ["backbone.width=8"])
    protonet = recipe_of(plan, "protonet", 1).build_learner().initial(0)
    assert rows["protonet"]["parameters"] == sum(value.numel() for value in protonet.values())
    assert rows["searched-maml"]["own"] == "structure"
    assert rows["maml"]["own"] == ""


def test_the_table_and_the_drawing_tell_the_figures(out, found):
    lines = [line for line in (out / "race.md").read_text().splitlines() if line.startswith("| ")]
    assert lines[0].split(" | ")[:3] == ["| algorithm", "2-way 1-shot", "5-way 1-shot"]
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| maml",
        "| protonet",
        "| searched-maml (own structure)",
    ]
    maml = found["rows"][0]
    shown = f"{100 * maml['unseen'][1]['accuracy']:.1f} ± {100 * maml['unseen'][1]['interval_95']:.1f}"
    assert lines[2].split(" | ")[2] == shown
    assert f"{maml['parameters']:,}" in lines[2]
    root = ElementTree.parse(out / "race.svg").getroot()
    tips = [one.text for one in root.iter("{http://www.w3.org/2000/svg}title")]
    assert f"maml, 5-way 1-shot: {shown} %" in tips
    assert len(tips) == 2 * len(NAMES)


def test_resuming_measures_nothing_twice_and_others_can_join(out, found, capsys):
    stamps = {path: path.stat().st_mtime_ns for path in [*out.glob("rows/*"), *out.rglob("*.safetensors")]}
    assert len(stamps) == 2 * len(NAMES)
    assert race(out) == 2
    assert "--resume" in capsys.readouterr().err
    assert race(out, "--resume", only=[*NAMES, "r2d2"]) == 0
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    again = json.loads((out / "race.json").read_text())["rows"]
    assert again[:3] == found["rows"]
    assert again[3]["algorithm"] == "r2d2"
    assert race(out, "--resume", only=["protonet", "anil"]) == 0
    rows = json.loads((out / "race.json").read_text())["rows"]
    assert [row["algorithm"] for row in rows] == ["maml", "r2d2", "searched-maml", "protonet", "anil"]
    assert all(f"\n| {row['algorithm']} " in (out / "race.md").read_text() for row in rows)
    assert race(out, "--resume", "--seconds", "7") == 2
    assert "differs in seconds" in capsys.readouterr().err


@pytest.mark.parametrize("at", [4, STEPS])
def test_an_interrupted_row_goes_on_within_its_training(found, tmp_path, capsys, monkeypatch, at):
    steps = []

    class Interrupted(Trainer):
        def _step(self, step, batch):
            steps.append(step)
            if step + 1 == at:
                signal.raise_signal(signal.SIGTERM)
            return super()._step(step, batch)

    with monkeypatch.context() as patched:
        patched.setattr("training.race.rows.Trainer", Interrupted)
        assert race(tmp_path, only=["maml"]) == 130
    assert steps == list(range(at))
    assert "--resume" in capsys.readouterr().err
    assert (tmp_path / "trained" / "maml" / CHECKPOINT).is_file()
    assert not list(tmp_path.glob("rows/*"))
    monkeypatch.setattr("training.race.rows.pace_of", lambda *_: pytest.fail("the pace was kept"))
    assert race(tmp_path, "--resume", only=["maml"]) == 0
    row = json.loads((tmp_path / "rows" / "maml.json").read_text())
    assert row["unseen"] == found["rows"][0]["unseen"]
    assert row["training"]["looks"] == found["rows"][0]["training"]["looks"]


def test_a_document_is_filled_and_looked_at_before_anything_is_trained(out, tmp_path, capsys):
    document = tmp_path / "a.md"
    document.write_text("# A\n\n<!-- measured: race -->\nold\n<!-- /measured -->\nrest\n")
    assert race(out, "--resume", "--fill", document) == 0
    text = document.read_text()
    assert "old" not in text
    assert text.endswith("<!-- /measured -->\nrest\n")
    assert "| protonet | " in text
    assert (tmp_path / "comparison" / "race.svg").is_file()
    document.write_text("no place\n")
    assert race(tmp_path / "new", "--fill", document) == 2
    assert "<!-- measured: race -->" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    check_marked(DOCUMENT, [PART])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_algorithms_differ_in_what_is_theirs_alone(name):
    plan = read_plan("omniglot")
    recipe, common = recipe_of(plan, name, 50), recipe_of(plan, "maml", 50)
    row = ALGORITHMS[name]
    assert recipe.learner["head"]["kind"] == row.head["kind"]
    assert recipe.learner["rule"].items() >= row.rule.items()
    for key in ("data", "episodes", "jitter", "validation", "seed", "preprocessing"):
        assert getattr(recipe, key) == getattr(common, key)
    same_network = recipe.learner["backbone"] == common.learner["backbone"]
    assert same_network == (name != "searched-maml")
    outer = {"es-maml": (256, 0.01), "policy-gradient": (16, 0.003)}.get(name, (plan.training.tasks, 0.003))
    assert (recipe.outer.tasks, recipe.outer.learning_rate) == outer
    assert recipe.outer.steps == 50
    assert learner_as_dict(recipe.build_learner()) == recipe.learner


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_plans_take_all_and_report_enough_tasks(path):
    plan = read_plan(path.stem)
    assert plan.name == plan.data.name == path.stem
    assert plan.algorithms == tuple(ALGORITHMS)
    assert plan.tasks.ways == (5, 20)
    assert plan.tasks.episodes >= 600
    assert recipe_of(plan, "searched-maml", 1).build_learner().backbone.side == plan.preprocessing["side"]


class Clock:
    """Ticks so many seconds a look, slower at first."""

    def __init__(self):
        self.looks, self.now = 0, 0.0

    def perf_counter(self):
        self.now += 9.0 if self.looks < 4 else 0.5
        self.looks += 1
        return self.now


def test_a_trial_leaves_out_its_first_steps_and_annealing(monkeypatch):
    monkeypatch.setattr("training.race.pace.time", Clock())
    tried = []

    def step(trial, number, _batch):
        tried.append((number, trial.recipe.outer.first_order_until, trial.recipe.outer.multi_step_until))
        return torch.zeros(2)

    monkeypatch.setattr(Trial, "_step", step)
    monkeypatch.setattr(Trial, "_batch", lambda *_: None)
    monkeypatch.setattr(Trial, "phi", {}, raising=False)
    monkeypatch.setattr(Trial, "__init__", lambda trial, recipe, *_, **__: setattr(trial, "recipe", recipe))
    recipe = recipe_of(read_plan("omniglot"), "maml++", 1)
    assert recipe.outer.first_order_until > 0
    pace = pace_of(recipe, None, None, None, seconds=60)
    assert pace == Pace(trial_steps=6, seconds_of_a_step=0.5, steps=120)
    assert tried == [(number, 0, 0) for number in range(8)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nowhere"],
            "no plan nowhere; give a YAML file, or the name of one that is here: folder, omniglot, strokes",
        ),
        (["strokes", "--only", "maml,mamba"], "there is no algorithm 'mamba'; there are maml, "),
        (["strokes", "--only", "maml,maml"], "named once"),
        (["strokes", "--set", "name=../x"], "name must be that of a folder, without any /, not '../x'"),
        (["strokes", "--seconds", "0"], "seconds must be positive"),
        (["strokes", "--set", "training.learning_rate=1e30"], "training.learning_rate must be 0 to 1, not 1e+30"),
        (["strokes", "--set", "training.learning_rate=-1"], "training.learning_rate must be 0 to 1, not -1"),
        (["strokes", "--set", "backbone.normalisation=support"], "must be group"),
        (["strokes", "--set", "backbone.width=7"], "do not fit"),
        (["strokes", "--set", "backbone.side=64"], "preprocessing.side is 28 and backbone.side is 64"),
        (["strokes", "--set", "backbone.channels=3"], "preprocessing.channels is 1 and backbone.channels is 3"),
        (["strokes", "--set", "tasks.ways=[2, 5, 20]"], "one number or two"),
        (["strokes", "--set", "tasks.ways=[1]"], "at least 2"),
        (["strokes", "--set", "choice.episodes=1"], "choice.episodes must be at least 2"),
        (["strokes", "--set", "tasks.seed=10000"], "must differ"),
        (["strokes", "--set", "training.looks=0"], "at least 1"),
        (["strokes", "--set", "colour=red"], "the plan takes name"),
        (
            ["strokes", "--set", "data={name: strokes, strokes: 60, unseen_strokes: 10, development: 20}"],
            "--set tasks.ways",
        ),
        (["strokes", "--set", "data={name: strokes, strokes: 50, development: 48}"], "50 training classes"),
        (["folder"], "--data-dir"),
        ([*TINY, "--resume"], "nothing to resume"),
        ([*TINY, "--fill", "nowhere.md"], "there is no document nowhere.md"),
    ],
)
def test_faults_are_one_line_that_says_what_to_do(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("METASHOT_DATA", raising=False)
    assert main(["race", *arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert not (tmp_path / "out").exists()
