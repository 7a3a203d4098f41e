"""Serve on this machine."""

import argparse
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

from service.settings import Settings, SettingsError

HOST = "127.0.0.1"
TARGET = "service.bento:Metashot"
_ROOT = Path(__file__).parents[2]
_POLL_S = 0.2
_PR_SET_PDEATHSIG = 1  # of Linux's prctl


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Take nothing: the environment says it all (see ``service.settings``)."""


def run(_: argparse.Namespace) -> None:
    """Start the server, print its address once it is ready, stay until it ends."""
    settings = Settings.from_environment()
    _check_port(settings.port)
    address = f"http://{HOST}:{settings.port}"
    command = [sys.executable, "-m", "bentoml", "serve", TARGET, "--host", HOST, "--port", str(settings.port)]
    state = {"METASHOT_DATA_DIR": str(settings.data_dir.absolute()), "METASHOT_PORT": str(settings.port)}
    environment = os.environ | state | {"BENTOML_DO_NOT_TRACK": "true"}
    server = subprocess.Popen(
        [*command, "--working-dir", str(_ROOT)], env=environment, cwd=_ROOT, preexec_fn=_end_with_parent
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if _ready(address, server):
        print(f"Metashot answers at {address} (Ctrl-C stops it)", flush=True)
    sys.exit(max(server.wait(), 0))  # negative: ended by the signal that was passed on


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SettingsError(f"port {port} is not free ({error.strerror}); choose another by PORT=") from None


def _ready(address: str, server: "subprocess.Popen[bytes]") -> bool:
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(_POLL_S)
    return False


def _end_with_parent() -> None:
    """Stop the server also when this process is killed and can pass no signal on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
