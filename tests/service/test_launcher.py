"""Working processes end with their launcher, even with one that ended before they could watch it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service.launcher import LAUNCHER

ROOT = Path(__file__).parents[2]
WORKER = "from service.launcher import end_with_launcher; end_with_launcher(); print('stays')"


def dead() -> int:
    ended = subprocess.Popen(["true"])
    ended.wait()
    return ended.pid


@pytest.mark.parametrize(
    ("launcher", "told"),
    [(dead, ""), (os.getpid, "stays\n"), (os.getppid, "stays\n")],
    ids=["dead", "parent", "other"],
)
def test_who_finds_the_launcher_gone_ends(launcher: Callable[[], int], told: str) -> None:
    environment = os.environ | {LAUNCHER: str(launcher())}
    worker = subprocess.run(
        [sys.executable, "-c", WORKER], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30
    )
    assert (worker.stdout, worker.returncode) == (told, 0 if told else 1), worker.stderr


def test_who_loses_the_launcher_later_ends() -> None:
    """The launcher names itself, starts a worker, which holds the pipe open, and is killed."""
    worker = f"{WORKER.removesuffix(')')}, flush=True); import time; time.sleep(60)"
    launcher = (
        "import subprocess, sys, time; from service.launcher import name_launcher; name_launcher();"
        f"subprocess.Popen([sys.executable, '-c', {worker!r}]); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", launcher], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "stays\n"
    process.kill()
    assert process.communicate(timeout=30)[0] == ""  # the other end of the pipe is closed: no worker is left
