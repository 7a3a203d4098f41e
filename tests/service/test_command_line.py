"""``python -m service`` as a whole: what it imports, and how it ends."""

import io
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service.__main__ import main
from service.commands import teach
from service.uploads.keep_known import LEAST, MOST, read_keep_known
from tests.service.made_images import drawing
from tests.service.server_process import free_port

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]


def test_what_computes_nothing_waits_for_no_torch() -> None:
    asked = (
        "import sys; from service.__main__ import main; "
        "assert main(['teach', '--support', '/nowhere']) == 2; "
        "assert main(['score', '--task', 'x', '--input', '/nowhere', '--output', 'o.csv']) == 2; "
        "print(*{'torch', 'bentoml', 'sqlalchemy'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "\n"), ended.stderr


def test_ctrl_c_while_parts_are_imported_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "httpx.py").write_text("raise KeyboardInterrupt")
    ended = subprocess.run(
        [sys.executable, "-m", "service", "teach", "--support", "docs/examples/support"],
        cwd=ROOT,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "interrupted\n")


def test_a_terminal_that_cannot_show_a_name_gets_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="latin-1"))
    monkeypatch.setattr(teach, "labelled_files", lambda _: sys.stdout.write("中é\n"))
    main(["teach", "--support", "x", "--server", "none"])
    sys.stdout.flush()
    assert shown.getvalue() == b"\\u4e2d\xe9\n"


@pytest.mark.parametrize(
    "given",
    ["teach --support . --name {}", "teach --support . --model {}", "score --task {} --input . --output o.csv"],
)
def test_what_is_no_text_is_named(capsys: Capture, given: str) -> None:
    with pytest.raises(SystemExit):
        main([*given.format("\udcff").split(), "--server", "http://127.0.0.1:9"])
    assert re.search(r"argument --(name|model|task): '.udcff' is no valid UTF-8", capsys.readouterr().err)


@pytest.mark.parametrize("arguments", [["--input", ""], ["--input="]])
def test_an_unset_variable_of_the_shell_is_not_taken_for_this_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture, arguments: list[str]
) -> None:
    (tmp_path / "1.png").write_bytes(drawing(1))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["score", "--task=x", "--output=o.csv", *arguments, f"--server=http://127.0.0.1:{free_port()}"])
    assert "argument --input: is empty; is a variable of the shell not set?" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "status"), [("classify --query docs/examples/query", 0), ("serve", 2)])
def test_a_home_that_cannot_be_written_to(tmp_path: Path, command: str, status: int) -> None:
    """As of a user without a home folder, or in a container that is read-only."""
    support = ["--support", "docs/examples/support"] if status == 0 else []
    ended = subprocess.run(
        [sys.executable, "-m", "service", *command.split(), *support],
        cwd=ROOT,
        env=os.environ | {"BENTOML_HOME": "/dev/null/x", "DATA_DIR": str(tmp_path), "PORT": str(free_port())},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == status, ended.stderr
    (told,) = ended.stderr.splitlines()
    assert "BENTOML_HOME" in told


def test_help_is_plain_text(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert "`" not in told
    assert all(command in told for command in ("serve", "classify", "teach", "score"))


@pytest.mark.parametrize("command", ["classify", "score"])
def test_help_tells_which_shares_may_be_kept(capsys: Capture, command: str) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert f"{LEAST} to {MOST} (default: {read_keep_known(None)})" in told


@pytest.mark.parametrize("port", ["0", "99999", "x", "-1"])
def test_a_port_that_is_none_is_told_as_it_was_given(capsys: Capture, port: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", f"--port={port}"])
    assert ended.value.code == 2
    assert f"--port: {port} is not within 1 to 65535" in capsys.readouterr().err


def test_a_port_that_is_taken_is_told_with_the_option(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("METASHOT_PORT", "METASHOT_DATA_DIR"):
        monkeypatch.setenv(variable, "")  # so that what the command writes there goes with the test
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["serve", "--port", str(taken.getsockname()[1]), "--data-dir", str(tmp_path)]) == 2
    assert "choose another by --port" in capsys.readouterr().err
