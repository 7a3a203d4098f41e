"""Both command lines, piped to a reader who stops before the end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "command",
    [
        ("training", "list-algorithms"),
        ("service", "classify", "--support", "docs/examples/support", "--query", "docs/examples/query"),
    ],
)
def test_a_reader_who_has_had_enough_gets_no_complaint(command: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as output:
        ended = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, stdout=output, stderr=subprocess.PIPE)
    assert (ended.returncode, b"Broken pipe" in ended.stderr, b"Traceback" in ended.stderr) == (141, False, False)
