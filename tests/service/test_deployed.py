"""A Bento, as ``bentoml serve`` starts it: what is wrong with its settings is one line, which is the end."""

import os
import runpy
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.store.database import FILE
from tests.service.server_process import PATIENCE, free_port, kill, wait_until_ready

ROOT = Path(__file__).parents[2]
BENTOML = [sys.executable, "-m", "bentoml"]


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


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Build the Bento, with nothing to install from; give the environment in which ``bentoml`` finds it."""
    home = str(tmp_path_factory.mktemp("home"))
    given = {"BENTOML_HOME": home, "BENTOML_DO_NOT_TRACK": "true", "OMP_NUM_THREADS": "1"}
    kept = {name: text for name, text in os.environ.items() if "DATA_DIR" not in name and name[:4] != "PIP_"}
    without_packages = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(
        [*BENTOML, "build"], cwd=ROOT, env=kept | given | without_packages, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return kept | given


@pytest.mark.long
def test_bentoml_serve_tells_it_and_ends(built: dict[str, str], tmp_path: Path) -> None:
    for name, value, words in (("METASHOT_MAX_FILES", "abc", "whole number"), ("DATA_DIR", "state", "absolute")):
        done = subprocess.run(
            [*BENTOML, "serve", "metashot:latest", "--port", str(free_port())],
            cwd=tmp_path,
            env=built | {name: value},
            capture_output=True,
            text=True,
            timeout=90,
        )
        (line,) = done.stderr.splitlines()
        assert done.returncode == 1
        assert name in line
        assert words in line


@pytest.mark.long
def test_a_killed_launcher_leaves_its_port_free(built: dict[str, str], tmp_path: Path) -> None:
    port = str(free_port())
    serve = [*BENTOML, "serve", "metashot:latest", "--host", "127.0.0.1", "--port", port]
    launched: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(2):
            with (tmp_path / "log").open("ab") as log:
                launched.append(
                    subprocess.Popen(
                        serve,
                        cwd=tmp_path,
                        env=built | {"DATA_DIR": str(tmp_path)},
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
            wait_until_ready(f"http://127.0.0.1:{port}", launched[-1], tmp_path / "log")
            launched[-1].kill()  # the launcher alone, as the system may do when memory runs out
            launched[-1].wait()
            wait_until_free(int(port))
    finally:
        for process in launched:
            kill(process)


def wait_until_free(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    raise AssertionError("an orphan is left on the port")
