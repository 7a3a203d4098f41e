"""``compare``: all parts of the JSON, a report that needs nothing else, resuming, and documents filled."""

import html
import json
import re
import shutil
import signal
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from tests.training.tiny_comparison import TINY
from training.__main__ import main
from training.comparison import traces
from training.comparison.documents import PARTS
from training.run.trainer import Trainer

DRAWINGS = {"shots", "steps", "training-loss", "task-loss", "gap", "classes", "augmentation", "cost"}
CONTENDERS = ["scratch", "probe", "fine-tuning", "maml", "protonet"]


@pytest.fixture(scope="module", autouse=True)
def timed_twice():
    """Let two tasks be timed, not twenty: no test looks at what that gives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traces, "_TIMED", 2)
        yield


@pytest.fixture(scope="module")
def out(timed_twice, tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    assert main(["compare", *TINY, "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def found(out):
    return json.loads((out / "comparison.json").read_text())


def test_every_cell_is_measured_on_the_same_unseen_tasks(found):
    assert [one["name"] for one in found["contenders"]] == CONTENDERS
    assert found["facts"] == {"training_classes": 20, "development_classes": 6, "unseen_classes": 6}
    keys = {(cell["contender"], cell["classes"], cell["augmented"]) for cell in found["cells"]}
    wanted = {(name, *where) for name in CONTENDERS[1:] for where in ((8, False), (20, False), (20, True))}
    assert keys == wanted | {("scratch", 20, False)}
    for cell in found["cells"]:
        whole = (cell["classes"], cell["augmented"]) == (20, False)
        assert list(cell["unseen"]) == (["1", "2"] if whole else ["1"])
        for values in [*cell["unseen"].values(), *cell["known"].values()]:
            assert len(values["right"]) == 6
            assert values["answers"] == 6
            assert values["accuracy"] == pytest.approx(sum(values["right"]) / 36, abs=1e-6)
        assert cell["seconds_of_a_task"]["1"] > 0


def test_learners_that_train_see_as_many_images_and_say_which_loss(found):
    for cell in found["cells"]:
        if cell["contender"] == "scratch":
            assert cell["training"] is None
            assert cell["known"] == {}
        else:
            assert cell["training"]["images"] <= 120
            assert cell["training"]["images"] > 120 - 30
            assert cell["training"]["losses"]
            assert len(cell["training"]["looks"]) >= 2
    losses = {one["name"]: one["loss_before_tasks"] for one in found["contenders"]}
    assert "training examples" in losses["probe"]
    assert "query sets of training tasks" in losses["maml"]
    assert losses["scratch"] == "nothing"
    on_task = {one["name"]: one["loss_on_a_task"] for one in found["contenders"]}
    assert on_task["maml"] == "cross-entropy, by gradient steps on the whole network (5)"
    assert on_task["protonet"] == "class means"


def test_steps_and_losses_are_traced_from_no_step_on(found):
    whole = {cell["contender"]: cell for cell in found["cells"] if "steps" in cell}
    assert set(whole) == set(CONTENDERS)
    for name, cell in whole.items():
        steps = cell["steps"]["1"]
        assert steps["steps"] == ([0] if name in ("probe", "protonet") else [0, 1, 2])
        assert (
            len(steps["accuracy"])
            == len(steps["support_loss"])
            == len(steps["query_loss"])
            == len(steps["steps"])
        )
    scratch = whole["scratch"]["steps"]["1"]
    assert scratch["support_loss"][0] == pytest.approx(1.0986, abs=1e-3), "from zero all three classes are alike"
    assert scratch["support_loss"][2] < scratch["support_loss"][0]
    assert whole["scratch"]["unseen"]["1"]["accuracy"] == scratch["accuracy"][2], "two steps were the only choice"
    assert whole["maml"]["chosen"]["1"]["steps"] == 5


class Loads(HTMLParser):
    """Collects whatever a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.found += [values[key] for key in ("src", "href", "srcset", "data") if key in values]
        assert tag not in ("script", "link", "iframe", "object", "embed"), tag


def test_the_report_needs_nothing_but_itself(out):
    text = (out / "report.html").read_text()
    reader = Loads()
    reader.feed(text)
    assert reader.found
    assert all(one.startswith("#") for one in reader.found)
    assert re.findall(r'id="([\w-]+)"', text).count("shots") == 1
    assert {one.removeprefix("#") for one in reader.found} <= set(re.findall(r'id="([\w-]+)"', text))
    assert "@import" not in text
    assert "url(" not in text
    assert set(re.findall(r"https?://[^\"' <]+", text)) == {"http://www.w3.org/2000/svg"}, (
        "a name, not an address"
    )
    assert text.count("<svg") == len(DRAWINGS)
    assert "6 tasks behind each accuracy" in text


def test_each_drawing_is_sound_and_tells_its_figures(out, found):
    assert {path.stem for path in (out / "drawings").iterdir()} == DRAWINGS
    for path in (out / "drawings").iterdir():
        root = ElementTree.parse(path).getroot()
        texts = "".join(root.itertext())
        assert "nan" not in texts
        assert "protonet" in texts or path.stem in ("task-loss",)
    tips = [
        one.text
        for one in ElementTree.parse(out / "drawings" / "shots.svg").iter("{http://www.w3.org/2000/svg}title")
    ]
    maml = next(cell for cell in found["cells"] if (cell["contender"], cell["augmented"]) == ("maml", False))
    shown = maml["unseen"]["2"]
    wanted = f"{100 * shown['accuracy']:.2f} ± {100 * shown['interval_95']:.2f} %"
    assert f"maml, support examples of a class (shots) 2: {wanted}" in tips


def test_resuming_measures_nothing_twice_and_a_lost_cell_again(out, found, capsys):
    cells = {path: path.read_bytes() for path in (out / "cells").iterdir()}
    stamps = {path: path.stat().st_mtime_ns for path in [*cells, *(out / "trained").rglob("*.safetensors")]}
    assert main(["compare", *TINY, "--out", str(out)]) == 2
    assert "--resume" in capsys.readouterr().err
    lost = out / "cells" / "maml-20-augmented.json"
    lost.unlink()
    assert main(["compare", *TINY, "--out", str(out), "--resume"]) == 0
    again = json.loads(lost.read_text())
    before = next(
        cell
        for cell in found["cells"]
        if (cell["contender"], cell["classes"], cell["augmented"]) == ("maml", 20, True)
    )
    assert again["unseen"] == before["unseen"], "measured anew on the phi that was kept"
    assert again["training"] == before["training"]
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items() if path != lost)
    assert main(["compare", *TINY, "--out", str(out), "--resume", "--set", "seed=7"]) == 2
    assert "differs in seed" in capsys.readouterr().err


def test_a_training_without_the_figures_that_tell_its_losses_is_made_again(out, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    run = copy / "trained" / "maml-20-augmented"
    for file in (copy / "cells" / "maml-20-augmented.json", *run.glob("events.*")):
        file.unlink()
    given = ["compare", *TINY, "--out", str(copy), "--resume"]
    assert main(given) == 2
    told = f"error: {run} has lost the losses of its training; delete it and train again by --resume"
    assert told in capsys.readouterr().err
    shutil.rmtree(run)
    assert main(given) == 0


def test_a_damaged_plan_and_other_data_are_told(out, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    given = ["compare", *TINY, "--out", str(copy), "--resume"]
    plan = json.loads((copy / "plan.json").read_text())
    (copy / "plan.json").write_text(json.dumps(plan | {"digest": "of others"}))
    assert main(given) == 2
    assert "was measured on other classes or images" in capsys.readouterr().err
    (copy / "plan.json").write_text(json.dumps({key: plan[key] for key in plan if key != "digest"}))
    assert main(given) == 0, "of a version that did not keep it"
    assert json.loads((copy / "plan.json").read_text()) == plan
    (copy / "plan.json").write_text("{")
    assert main(given) == 2
    assert "choose another --out" in capsys.readouterr().err


def test_an_interruption_at_the_last_step_of_a_training_is_heeded(tmp_path, monkeypatch, capsys):
    class Stopped(Trainer):
        def _look(self, board):
            super()._look(board)
            if self.progress.step == self.recipe.outer.steps:
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("training.comparison.trained.Trainer", Stopped)
    given = ["compare", *TINY, "--set", "classes=[]", "--algorithms", "protonet"]
    assert main([*given, "--out", str(tmp_path / "out")]) == 130
    assert "continue with --resume" in capsys.readouterr().err
    assert not list((tmp_path / "out" / "cells").glob("protonet-*"))


def test_another_algorithm_joins_what_is_there(out):
    stamps = {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    algorithms = ["--algorithms", "maml", "protonet", "r2d2", "--set", "classes=[]"]
    assert main(["compare", *TINY, *algorithms, "--out", str(out), "--resume"]) == 0
    joined = {path for path in (out / "cells").iterdir() if path not in stamps}
    assert {path.name for path in joined} == {"r2d2-20-plain.json", "r2d2-20-augmented.json"}
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert "r2d2" in (out / "report.html").read_text()


def test_documents_are_filled_in_their_language(out, tmp_path, capsys):
    end = "<!-- /measured -->\n"
    marked = f"# A\n\n<!-- measured: protocol -->\n{end}\ntext\n\n<!-- measured: gap -->\nold\n{end}"
    english, chinese = tmp_path / "a.md", tmp_path / "a.zh.md"
    english.write_text(marked)
    chinese.write_text(marked)
    given = ["compare", *TINY, "--out", str(out), "--resume", "--fill", str(english), str(chinese)]
    assert main(given) == 0
    first = english.read_text()
    assert "20 training classes" in first
    assert "| protonet | " in first
    assert "old" not in first
    assert "20 个训练类" in chinese.read_text()
    assert (tmp_path / "comparison" / "gap.svg").is_file()
    assert main(given) == 0
    assert english.read_text() == first, "filling again changes nothing"
    english.write_text("<!-- measured: weather -->\n<!-- /measured -->\n")
    assert main(given) == 2
    assert "marks 'weather'" in capsys.readouterr().err
    unended = f"<!-- measured: gap -->\n\na chapter of one's own\n\n<!-- measured: cost -->\n{end}"
    english.write_text(unended)
    assert main(given) == 2
    assert "begins 2 marked places and ends 1" in capsys.readouterr().err
    assert english.read_text() == unended


def test_the_report_has_the_tables_of_an_english_document(out, tmp_path):
    document = tmp_path / "a.md"
    names = [name for name in PARTS if name != "protocol"]
    document.write_text("".join(f"<!-- measured: {name} -->\n<!-- /measured -->\n" for name in names))
    assert main(["compare", *TINY, "--out", str(out), "--resume", "--fill", str(document)]) == 0
    report = (out / "report.html").read_text()
    for name, part in zip(names, document.read_text().split("<!-- /measured -->")[:-1], strict=True):
        lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
        shown = report.partition(f'<section id="{name}">')[2].partition("</section>")[0]
        cells = re.findall(r"<t[hd]>(.*?)</t[hd]>", shown)
        assert [html.unescape(one) for one in cells] == ["", *(entry for line in lines for entry in line)], name


def test_all_machines_that_were_measured_on_are_told(out, tmp_path, capsys):
    folder = tmp_path / "moved"
    shutil.copytree(out, folder)
    cell = folder / "cells" / "protonet-20-plain.json"
    cell.write_text(json.dumps(json.loads(cell.read_text()) | {"machine": "another one"}))
    document = tmp_path / "a.md"
    document.write_text("<!-- measured: protocol -->\n<!-- /measured -->\n")
    assert main(["compare", *TINY, "--out", str(folder), "--resume", "--fill", str(document)]) == 0
    assert "and another one." in document.read_text()
    assert "and another one." in (folder / "report.html").read_text()
