"""The two services in processes of their own, each ended together with all that it started."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

_ROOT = Path(__file__).parents[1]
_START_S, _STOP_S = 120.0, 20.0


@dataclass(frozen=True)
class Server:
    """A running service.

    Attributes:
        port: on 127.0.0.1.
        pid: of the process that was started.
    """

    port: int
    pid: int

    @property
    def resident_bytes(self) -> int:
        """Memory that it and its children hold."""
        first = psutil.Process(self.pid)
        return sum(one.memory_info().rss for one in (first, *first.children(recursive=True)))


@contextmanager
def metashot() -> Iterator[Server]:
    """Run our service on an empty data folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "service", "serve", "--port", "{port}", "--data-dir", folder]
        with _running(command, Path(folder), {}) as server:
            yield server


@contextmanager
def plain() -> Iterator[Server]:
    """Run the plain service."""
    name = "benchmarks.plain_service:PlainFewShot"
    address = ["--host", "127.0.0.1", "--port", "{port}", "--working-dir", str(_ROOT)]
    with (
        tempfile.TemporaryDirectory() as folder,
        _running(
            ["-m", "bentoml", "serve", name, *address], Path(folder), {"BENTOML_DO_NOT_TRACK": "true"}
        ) as server,
    ):
        yield server


@contextmanager
def _running(arguments: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *(one.format(port=port) for one in arguments)],
            cwd=_ROOT,
            env=os.environ | variables,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches only us, and we end it
        )
        try:
            _wait(port, process, log)
            yield Server(port, process.pid)
        finally:
            _end(process)


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.1)
    raise RuntimeError(f"the service did not become ready:\n{log.read_text(errors='replace')[-3000:]}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, left = psutil.wait_procs(children, timeout=_STOP_S)
    for child in left:
        child.kill()
