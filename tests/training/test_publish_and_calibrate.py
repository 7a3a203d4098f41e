"""What is done with a finished initialization: publishing, finding and calibrating it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from models.initialization import load, shipped
from models.published import Published
from tests.made_confidence import constant_confidence
from tests.training.tiny_run import VALIDATION
from training.__main__ import main
from training.run.named import find

ROOT = Path(__file__).parents[2]


def test_published_ones_are_found_by_name_the_latest_of_several(initialization, tmp_path, monkeypatch):
    stored = [("mine", tmp_path / "older"), ("mine", initialization), ("other", tmp_path), ("photos", tmp_path)]
    published = [Published(name, "version", folder) for name, folder in stored]
    monkeypatch.setattr("training.run.named.published", lambda: published)
    for name in ("mine", "Mine"):
        found = find(name)
        assert (found.name, found.version) == ("mine", load(initialization).version)
    assert find("photos").version == load(shipped()["photos"]).version


def test_publish_and_list_through_the_bentoml_store(initialization, tmp_path):
    environment = {"BENTOML_HOME": str(tmp_path / "bentoml"), "BENTOML_DO_NOT_TRACK": "true", "PATH": "/usr/bin"}

    def commands(*given):
        """Run commands one after the other in one process, which takes long to import what they need."""
        run = f"from training.__main__ import main; print([main(one) for one in {given}])"
        return subprocess.run(
            [sys.executable, "-c", run],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    source = tmp_path / "initialization"
    shutil.copytree(initialization, source)
    card = json.loads((source / "card.json").read_text())
    card["evaluation"][0]["unknown"] = None  # as where the data have no classes beside a task's
    (source / "card.json").write_text(json.dumps(card))
    told = commands(["publish", str(source), "--name", "mine"])
    assert "published mine:" in told
    assert told.endswith("[0]\n")
    (kept,) = (tmp_path / "bentoml" / "models" / "mine").glob("*/")
    (tmp_path / "bentoml" / "models" / "other" / "unfinished").mkdir(parents=True)
    told = commands(["publish", str(kept), "--name", "mine"], ["list"])
    assert told.startswith("published mine:")
    assert "\nmine:" in told
    assert told.endswith("[0, 0]\n")
    stored = list((tmp_path / "bentoml" / "models" / "mine").glob("*/weights.safetensors"))
    assert [path.read_bytes() for path in stored] == [(initialization / "weights.safetensors").read_bytes()]


def test_calibrate_rewrites_the_card_and_leaves_phi(initialization, tmp_path, capsys, monkeypatch):
    folder = tmp_path / "copy"
    shutil.copytree(initialization, folder)
    card = json.loads((folder / "card.json").read_text())
    confidence, evaluation = card["confidence"], card["evaluation"]
    card["confidence"], card["evaluation"] = constant_confidence(temperature=9.0).as_dict(), []
    (folder / "card.json").write_text(json.dumps(card))
    monkeypatch.setattr("training.commands.calibrate.load_split", lambda *_, **__: VALIDATION)
    assert main(["calibrate", str(folder), "--tasks", "5"]) == 0
    assert f"written to {folder}" in capsys.readouterr().out
    assert load(folder).version == load(initialization).version
    again = json.loads((folder / "card.json").read_text())
    assert again["confidence"] == confidence
    assert again["evaluation"] == evaluation
    assert again["trained_on"] == card["trained_on"]
    card = json.loads((folder / "card.json").read_text())
    del card["recipe"]
    (folder / "card.json").write_text(json.dumps(card))
    assert main(["calibrate", str(folder)]) == 2
    assert "no recipe" in capsys.readouterr().err
