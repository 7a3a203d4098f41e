"""Both command lines, piped to a reader who stops before the end, or to none."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import registry
from tests.service.tiny_service import TINY, at_an_address

ROOT = Path(__file__).parents[1]
SUPPORT = ("--support", "docs/examples/support")
LISTING = ("training", "list-algorithms")


@pytest.fixture(scope="module")
def teaching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """A command of the service that prints at its end, and does not import torch, which takes long."""
    with pytest.MonkeyPatch.context() as patch, at_an_address(tmp_path_factory.mktemp("var")) as address:
        patch.setattr(registry, "shipped", dict)
        yield ("service", "teach", *SUPPORT, "--model", TINY, "--server", address)


@pytest.fixture(params=["training", "service"])
def command(request: pytest.FixtureRequest, teaching: tuple[str, ...]) -> tuple[str, ...]:
    return LISTING if request.param == "training" else teaching


def without(closed: str, command: tuple[str, ...]) -> None:
    """Run a command with some of its outputs closed."""
    line = shlex.join([sys.executable, "-m", *command])
    ended = subprocess.run(["sh", "-c", f"{line} {closed}"], cwd=ROOT, capture_output=True)
    assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False)


def test_a_reader_who_has_had_enough_gets_no_complaint(command: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as output:
        ended = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, stdout=output, stderr=subprocess.PIPE)
    assert (ended.returncode, b"Broken pipe" in ended.stderr, b"Traceback" in ended.stderr) == (141, False, False)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_outputs_stop_no_command(command: tuple[str, ...], closed: str) -> None:
    without(closed, command)


def test_closed_outputs_stop_no_command_that_computes() -> None:
    without(">&- 2>&-", ("service", "classify", *SUPPORT, "--query", "docs/examples/query"))
