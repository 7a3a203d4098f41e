"""``python -m service serve``: what it hands on to the server, and how it tells that this is ready."""

import os
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.__main__ import main
from service.commands import serve
from service.settings import Settings
from service.store.database import FILE
from tests.service.server_process import free_port
from tests.service.tiny_service import at_an_address, until


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Settings]]:
    """Serve with some arguments, and give the settings that the working process reads, from its own folder."""
    before = dict(os.environ)
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(serve, "_announce", lambda address: None)
    read: list[Settings] = []

    def as_worker(*_: Any, **__: Any) -> None:
        monkeypatch.chdir(serve.ROOT)
        read.append(Settings.from_environment(os.environ))

    monkeypatch.setattr(runpy, "run_module", as_worker)

    def served(arguments: str) -> Settings:
        assert main(["serve", *arguments.split()]) == 0
        assert sys.argv[sys.argv.index("--port") + 1] == str(read[0].port)
        assert int(sys.argv[sys.argv.index("--timeout-graceful-shutdown") + 1]) > 0
        return read[0]

    yield served
    os.environ.clear()
    os.environ.update(before)


def test_options_go_before_the_environment(handed_on: Callable[[str], Settings], tmp_path: Path) -> None:
    port = free_port()
    os.environ |= {"METASHOT_PORT": "1", "PORT": "2", "METASHOT_DATA_DIR": "/nowhere", "DATA_DIR": "/nowhere"}
    settings = handed_on(f"--port {port} --data-dir {tmp_path}")
    assert (settings.port, settings.data_dir) == (port, tmp_path)


@pytest.mark.parametrize("variable", ["DATA_DIR", "METASHOT_DATA_DIR"])
def test_a_relative_folder_is_the_one_where_the_command_was_given(
    handed_on: Callable[[str], Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.chdir(tmp_path)
    os.environ |= {variable: "state", "PORT": str(free_port())}
    assert handed_on("").data_dir == tmp_path / "state"


def test_is_ready_whatever_proxy_others_go_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    with at_an_address(tmp_path) as address:
        monkeypatch.setattr(serve.time, "sleep", stop)
        serve._announce(f"{address}/docs.json?")  # any that answers
    assert "Metashot is ready" in capsys.readouterr().out


def stop(_: float) -> None:
    raise AssertionError("no answer")


@pytest.mark.parametrize("content", [b"no database, but longer than the head of one would be" * 9, None])
def test_a_store_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    monkeypatch.setattr(runpy, "run_module", lambda *_, **__: pytest.fail("it was started"))
    monkeypatch.setattr(serve, "_announce", lambda address: None)
    for variable in ("METASHOT_PORT", "METASHOT_DATA_DIR"):
        monkeypatch.setenv(variable, "")  # so that what the command writes there goes with the test
    if content is None:
        (tmp_path / "file").touch()
        folder = tmp_path / "file" / "var"  # cannot be made
    else:
        folder = tmp_path
        (folder / FILE).write_bytes(content)
    assert main(["serve", "--port", str(free_port()), "--data-dir", str(folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"DATA_DIR={folder}" in line


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


@needs_make
@pytest.mark.parametrize(
    ("given", "port"),
    [("", "3000"), ("4000", "4000"), ("tcp://10.0.0.1:80", "3000"), ("udp://10.0.0.1:80", "3000")],
)
def test_make_leaves_out_what_kubernetes_sets(given: str, port: str) -> None:
    environment = {"PATH": os.environ["PATH"], "METASHOT_PORT": given}
    told = subprocess.run(
        ["make", "--dry-run", "run"], cwd=serve.ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert f"serve --port {port} " in told.stdout


@needs_make
@pytest.mark.parametrize("target", ["run", "characters", "photos", "photos-small", "compare", "race"])
def test_make_takes_folders_with_spaces(target: str) -> None:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": "/my state", "METASHOT_DATA": "/my data"}
    told = subprocess.run(
        ["make", "--dry-run", target], cwd=serve.ROOT, env=environment, capture_output=True, text=True, check=True
    )
    given = told.stdout.count("--data-dir ")
    assert given
    assert told.stdout.count(f'--data-dir "/my {"state" if target == "run" else "data"}"') == given


@needs_make
def test_make_leaves_no_server_behind_when_it_is_ended(tmp_path: Path) -> None:
    shutil.copy(serve.ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for made in ("requirements/serve.txt", ".venv/.made", ".venv/.serve"):
        (tmp_path / made).touch()
    server = tmp_path / ".venv" / "bin" / "python"
    server.write_text("#!/bin/sh\necho $$ > number.part && mv number.part number\nexec sleep 60\n")
    server.chmod(0o755)
    make = subprocess.Popen(["make", "run"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    number = tmp_path / "number"
    until(number.exists)
    make.terminate()
    make.wait()
    with pytest.raises(ProcessLookupError):
        os.kill(int(number.read_text()), signal.SIGTERM)
