"""``python -m service serve``: what it hands on to the server, and how it tells that this is ready."""

import os
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.__main__ import main
from service.commands import serve
from service.settings import Settings
from tests.service.server_process import free_port
from tests.service.tiny_service import at_an_address


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


def test_a_folder_that_cannot_be_written_to_is_an_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("PORT", str(free_port()))
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file" / "state"))
    monkeypatch.setattr(runpy, "run_module", lambda *_, **__: pytest.fail("was started"))
    assert main(["serve"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be written to (Not a directory)" in line


def test_is_ready_whatever_proxy_others_go_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    with at_an_address(tmp_path) as address:
        monkeypatch.setattr(serve.time, "sleep", stop)
        serve._announce(f"{address}/v1/models?")  # any that answers
    assert "Metashot is ready" in capsys.readouterr().out


def stop(_: float) -> None:
    raise AssertionError("no answer")
