"""Both command lines, piped to a reader who stops before the end, or to none."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


COMMANDS = pytest.mark.parametrize(
    "command",
    [
        ("training", "list-algorithms"),
        ("service", "classify", "--support", "docs/examples/support", "--query", "docs/examples/query"),
    ],
)


@COMMANDS
def test_a_reader_who_has_had_enough_gets_no_complaint(command: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as output:
        ended = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, stdout=output, stderr=subprocess.PIPE)
    assert (ended.returncode, b"Broken pipe" in ended.stderr, b"Traceback" in ended.stderr) == (141, False, False)


@COMMANDS
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_outputs_stop_no_command(command: tuple[str, ...], closed: str) -> None:
    line = shlex.join([sys.executable, "-m", *command])
    ended = subprocess.run(["sh", "-c", f"{line} {closed}"], cwd=ROOT, capture_output=True)
    assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False)
