"""The commands of ``python -m training``, on small made-up data."""

import json
from pathlib import Path

import pytest

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.images.preprocessing import Preprocessing
from models.initialization import load, save
from models.inner_rule import InnerRule
from models.learner import Learner
from tests.made_confidence import constant_confidence
from tests.training.made_drawings import drawing
from tests.training.tiny_run import TRAINING, VALIDATION, recipe
from training.__main__ import main
from training.run import publication
from training.run.publication import publish_run
from training.run.trainer import Trainer

ROOT = Path(__file__).parents[2]


def test_evaluate_a_folder_of_classes(initialization, tmp_path, capsys):
    for label in range(14):
        folder = tmp_path / "symbols" / f"symbol{label:02d}"
        folder.mkdir(parents=True)
        for index in range(4):
            drawing(label, (40, 40)).rotate(index, fillcolor=255).save(folder / f"{index}.png")
    arguments = ["evaluate", str(initialization), "--dataset", "folder", "--data-dir", str(tmp_path / "symbols")]
    arguments += ["--ways", "2", "--queries", "2", "--episodes", "30", "--json", str(tmp_path / "out.json")]
    assert main(arguments) == 0
    figures = json.loads((tmp_path / "out.json").read_text())
    assert figures["accuracy"] > 0.8
    assert figures["episodes"] == 30
    assert figures["inductive"] is True
    printed = capsys.readouterr().out
    assert "2-way 1-shot, 30 episodes" in printed
    assert "(so few vary by chance; it is made for --queries 15)" in printed
    assert 0 <= figures["estimate"]["coverage"] <= 1
    assert "unknown" not in figures, "two classes are all that there are"
    assert "strangers" not in figures, "0 would contradict the number within `unknown`"
    assert "--strangers 5: no class is left outside of each task" in printed
    assert main([*arguments, "--against", str(initialization)]) == 0
    against = json.loads((tmp_path / "out.json").read_text())["against"]
    assert (against["gain"], against["interval_95"], against["accuracy"]) == (0, 0, figures["accuracy"])
    printed = capsys.readouterr().out
    assert "+0.00 ± 0.00 points" in printed
    assert f"as well, {100 * against['same_mistakes']:.1f} % for the same class" in printed
    assert main([*arguments, "--split", "train", "--queries", "1", "--keep-known", "0.9"]) == 0
    figures = json.loads((tmp_path / "out.json").read_text())
    printed = capsys.readouterr().out
    assert "with 90 % of known items to keep" in printed
    assert "5 other classes flagged" in printed
    assert "--strangers" not in printed
    assert figures["unknown"]["strangers"] == 5
    assert "strangers" not in figures
    assert 0 <= figures["unknown"]["auroc"] <= 1
    assert main([*arguments, "--split", "train", "--queries", "1", "--ways", "9"]) == 0
    assert json.loads((tmp_path / "out.json").read_text())["unknown"]["strangers"] == 1
    printed = capsys.readouterr().out
    assert "--strangers 5: only 1 is left outside of each task" in printed
    assert "1 other class flagged" in printed


def test_looks_are_printed_and_drawn(initialization, tmp_path, capsys):
    looks = load(initialization).card["trained_on"]["looks"]
    assert looks == [], "this one was published before its first step"
    assert main(["looks", str(initialization)]) == 2
    assert "tells of no looks" in capsys.readouterr().err
    plan = recipe()
    trainer = Trainer(plan, TRAINING, VALIDATION, tmp_path)
    trainer.run()
    publish_run(plan, trainer.best, trainer.progress, TRAINING, VALIDATION, tmp_path / "initialization")
    assert main(["looks", str(tmp_path / "initialization"), "--svg", str(tmp_path / "looks.svg")]) == 0
    told = ", ".join(f"{step}: {100 * accuracy:.1f}" for step, accuracy in trainer.progress.looks)
    assert f"tiny, accuracy in percent by outer step: {told}" in capsys.readouterr().out
    assert (tmp_path / "looks.svg").read_text().count("<title>tiny, outer steps ") == len(trainer.progress.looks)


@pytest.fixture
def assessed_once(monkeypatch):
    """Let what is assessed again be what was found first, as it is of the same phi; give the calls."""
    assess, found, calls = publication.assess, [], []

    def once(*given, **named):
        calls.append(None)
        if not found:
            found.append(assess(*given, **named))
        return found[0]

    monkeypatch.setattr(publication, "assess", once)
    return calls


def test_train_ends_with_an_initialization_and_does_not_overwrite_a_run(tmp_path, capsys, assessed_once):
    arguments = ["train", str(ROOT / "training/recipes/strokes.yaml"), "--out", str(tmp_path / "run")]
    small = ["outer.steps=2", "outer.warm_up=1", "outer.tasks=2", "validation.every=1", "validation.episodes=5"]
    small += ["report_episodes=5", "calibration_tasks=2", "data.classes=20"]
    arguments += ["--set", *small[:3], "--set", *small[3:]]
    assert main(arguments) == 0
    assert (tmp_path / "run" / "initialization" / "weights.safetensors").is_file()
    assert "5-way 1-shot" in capsys.readouterr().out
    assert main(arguments) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*arguments, "--resume"]) == 0
    longer = ["outer.steps=3", "validation.every=2", "report_episodes=6"]
    assert main([*arguments, "--resume", "--set", *longer]) == 2
    own = tmp_path / "run" / "recipe.yaml"
    told = f"differs in outer.steps, validation.every; continue with its own, {own}, without --set, or choose"
    assert told in capsys.readouterr().err
    assert main(["train", str(own), "--out", str(tmp_path / "run"), "--resume"]) == 0
    assert len(assessed_once) == 3


def test_an_interruption_or_full_disk_after_the_last_step_tells_that_only_measuring_is_left(
    tmp_path, monkeypatch, capsys, assessed_once
):
    def interrupted(*_):
        raise KeyboardInterrupt

    arguments = ["train", str(ROOT / "training/recipes/strokes.yaml"), "--out", str(tmp_path), "--set"]
    arguments += ["outer.steps=1", "outer.warm_up=0", "outer.tasks=1", "validation.episodes=5", "data.classes=20"]
    arguments += ["report_episodes=5", "calibration_tasks=2"]
    with monkeypatch.context() as patched:
        patched.setattr("training.commands.train.publish_run", interrupted)
        assert main(arguments) == 130
    told = "trained to the end; --resume measures and writes the initialization\ninterrupted\n"
    assert capsys.readouterr().err.endswith(told)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("training.run.publication.save", full)
        assert main([*arguments, "--resume"]) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    place = tmp_path / "initialization"
    assert told.startswith(f"error: {place} cannot be written ([Errno 28] No space left on device); see to the")
    assert "then --resume measures and writes it" in told
    assert main([*arguments, "--resume"]) == 0
    assert load(tmp_path / "initialization").card["trained_on"]["outer_steps"] == 1
    assert len(assessed_once) == 2


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "validation={ways: 150, within_group: 1}",
            "validation, on the 200 validation classes",
        ),
        ("reports=[{ways: 5, shots: 1}, {ways: 201, shots: 1}]", "reports[1], on the 200 validation classes"),
        ("reports=[{ways: 5, shots: 1, same_drawers: true}]", "only classes of one group have the same drawers"),
        ("validation.seed=20000", "what chooses phi must be other tasks"),
        ("validation.seed=40000", "what chooses phi must be other tasks"),
        ("reports=[{ways: 5, shots: 16}]", "16 shots and 5 queries take 21 images"),
    ],
)
def test_what_cannot_be_measured_is_told_before_training(setting, message, tmp_path, capsys):
    arguments = ["train", str(ROOT / "training/recipes/strokes.yaml"), "--out", str(tmp_path / "run")]
    for one in ("data.classes=30", setting):
        arguments += ["--set", one]
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "none.yaml"], "there is no recipe"),
        (["evaluate", "none", "--dataset", "strokes"], "'none' is neither a shipped initialization (characters,"),
        (["evaluate", "RUN", "--dataset", "strokes"], "with a card.json, nor is one published by that name; did"),
        (["evaluate", "RUN", "--dataset", "strokes"], "did you mean RUN/initialization?"),
        (["publish", "RUN", "--name", "x"], "did you mean RUN/initialization?"),
        (["evaluate", "INIT"], "--dataset omniglot"),
        (["evaluate", "INIT", "--dataset", "omniglot"], "--data-dir"),
        (["evaluate", "INIT", "--benchmark", "omniglot-oneshot"], "say where omniglot-oneshot lies: --data-dir"),
        (["evaluate", "INIT", "--dataset", "strokes", "--episodes", "1"], "at least 2"),
        (["evaluate", "INIT", "--dataset", "omniglot", "--same-drawers"], "--within-alphabet"),
        (["evaluate", "INIT", "--dataset", "strokes", "--same-drawers"], "needs --dataset omniglot"),
        (["train", "training/recipes/own-drawings.yaml"], "say which folder holds the classes: --data-dir DIR"),
        (["evaluate", "photos", "--dataset", "strokes"], "they go with an initialization of drawings, or, in a"),
        (["publish", "none", "--name", "x"], "'none' is neither a shipped initialization (characters,"),
        (["publish", "characters", "--name", "our models"], "does not take it as 'our models'"),
        (["calibrate", "INIT", "--tasks", "0"], "--tasks must be at least 1"),
        (["train", "training/recipes/strokes.yaml", "--threads", "0"], "--threads must be at least 1"),
        (["evaluate", "INIT", "--dataset", "strokes", "--strangers", "-3"], "--strangers must not be negative"),
        (["train", "training/recipes/strokes.yaml", "--device", "gpu"], "--device must be auto, cpu"),
        (["publish", "INIT", "--name", "our models"], "does not take it as 'our models'"),
        (["publish", "INIT", "--name", "Auto"], "by 'auto' the service chooses among all"),
        (["publish", "INIT", "--name", "Photos"], "--name Photos: an initialization of that name is shipped"),
    ],
)
def test_faults_are_one_line_and_status_2(initialization, arguments, message, capsys, monkeypatch):
    monkeypatch.delenv("METASHOT_DATA", raising=False)
    named = {"INIT": str(initialization), "RUN": str(initialization.parent)}
    assert main([named.get(argument, argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message.replace("RUN", named["RUN"]) in error
    assert "Traceback" not in error


def test_evaluate_measures_a_look(initialization, tmp_path, capsys):
    for label in range(7):
        folder = tmp_path / "symbols" / f"symbol{label:02d}"
        folder.mkdir(parents=True)
        for index in range(4):
            drawing(label, (84, 84)).rotate(index, fillcolor=255).save(folder / f"{index}.png")
    given = ["evaluate", str(initialization), "--dataset", "folder", "--split", "train", "--ways", "2"]
    given += ["--data-dir", str(tmp_path / "symbols"), "--queries", "1", "--episodes", "20", "--strangers", "0"]
    found = {}
    for look in ("as-is", "desk"):
        assert main([*given, "--look", look, "--json", str(tmp_path / "out.json")]) == 0
        found[look] = json.loads((tmp_path / "out.json").read_text())
        assert found[look]["look"] == look
        assert ("folder train desk, 2-way" in capsys.readouterr().out) == (look == "desk")
    assert found["as-is"]["estimate"] != found["desk"]["estimate"]


def test_auto_counts_what_is_chosen(initialization, tmp_path, capsys):
    for label in range(6):
        folder = tmp_path / "symbols" / f"symbol{label:02d}"
        folder.mkdir(parents=True)
        for index in range(3):
            drawing(label, (84, 84)).rotate(index, fillcolor=255).save(folder / f"{index}.png")
    photo = Learner(Conv4(3, 16, 8, groups=4), Head("prototype"), InnerRule("head", 1))
    save(
        tmp_path / "photo",
        name="photo",
        learner=photo,
        phi=photo.initial(seed=0),
        preprocessing=Preprocessing("photo", 16, 3, mean=(0.0,) * 3, std=(1.0,) * 3),
        confidence=constant_confidence(),
        facts={},
    )
    given = ["auto", str(tmp_path / "photo"), str(initialization), "--dataset", "folder", "--split", "train"]
    given += ["--data-dir", str(tmp_path / "symbols"), "--ways", "2", "--shots", "1", "2", "--episodes", "10"]
    given += ["--looks", "as-is", "coloured", "grey", "framed", "lamp", "--json", str(tmp_path / "out.json")]
    assert main(given) == 0
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert [(row["look"], row["shots"]) for row in rows][:3] == [("as-is", 1), ("as-is", 2), ("coloured", 1)]
    assert all(sum(row["shares"].values()) == pytest.approx(1) for row in rows)
    assert all(row["shares"]["tiny"] == 1 for row in rows if row["look"] != "framed")
    assert "folder train coloured, 2-way 2-shot: photo 0.0 %, tiny 100.0 %" in capsys.readouterr().out
    card = json.loads((tmp_path / "photo" / "card.json").read_text())
    (tmp_path / "photo" / "card.json").write_text(json.dumps(card | {"name": "tiny"}))
    assert main(given) == 0
    shares = json.loads((tmp_path / "out.json").read_text())["rows"][0]["shares"]
    assert shares == {f"tiny {load(tmp_path / 'photo').version}": 0, f"tiny {load(initialization).version}": 1}
    given[1] = str(initialization)
    assert main(given) == 2
    assert "is given twice" in capsys.readouterr().err
