"""A Bento, as ``bentoml serve`` starts it: what is wrong with its settings is one line, which is the end."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service.store.database import FILE
from tests.service.server_process import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The service's module where it lies in a Bento, from whose folder BentoML imports it."""
    module = tmp_path / "bento" / "src" / "service" / "bento.py"
    module.parent.mkdir(parents=True)
    shutil.copy(ROOT / "service" / "bento.py", module)
    (tmp_path / "bento" / "bento.yaml").touch()
    monkeypatch.chdir(tmp_path / "bento" / "src")
    return module


def refusal(module: Path) -> str:
    with pytest.raises(SystemExit) as end:  # a ValueError would pass for another fault: see BentoML's loader
        runpy.run_path(str(module))
    (line,) = str(end.value).splitlines()
    assert line.startswith("error: ")
    return line


def test_a_setting_that_is_wrong(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METASHOT_MAX_FILES", "abc")
    for one in (module, ROOT / "service" / "bento.py"):
        assert "METASHOT_MAX_FILES='abc' is not a whole number" in refusal(one)


def test_a_store_that_cannot_be_used(module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE).write_bytes(b"no database, but longer than the head of one would be" * 9)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert f"DATA_DIR={tmp_path}" in refusal(module)


@pytest.mark.parametrize("data_dir", ["", "state", "../state"])
def test_state_does_not_lie_inside_the_bento(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_dir: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setenv("DATA_DIR", data_dir)
    refused = refusal(module)
    assert f"DATA_DIR={data_dir or 'var'} " in refused
    assert "absolute" in refused
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.long
def test_bentoml_serve_tells_it_and_ends(tmp_path: Path) -> None:
    given = {"BENTOML_HOME": str(tmp_path / "home"), "BENTOML_DO_NOT_TRACK": "true", "OMP_NUM_THREADS": "1"}
    environment = {name: text for name, text in os.environ.items() if "DATA_DIR" not in name} | given
    bentoml = [sys.executable, "-m", "bentoml"]
    subprocess.run([*bentoml, "build"], cwd=ROOT, env=environment, check=True, capture_output=True)
    for name, value, words in (("METASHOT_MAX_FILES", "abc", "whole number"), ("DATA_DIR", "state", "absolute")):
        done = subprocess.run(
            [*bentoml, "serve", "metashot:latest", "--port", str(free_port())],
            cwd=tmp_path,
            env=environment | {name: value},
            capture_output=True,
            text=True,
            timeout=90,
        )
        (line,) = done.stderr.splitlines()
        assert done.returncode == 1
        assert name in line
        assert words in line
