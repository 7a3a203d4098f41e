"""The service as users start it: ``python -m service serve`` in processes of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

PATIENCE = 90  # seconds, for what takes a few on a machine that does nothing else
_ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(data_dir: Path, **settings: object) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Start the service, give its address and process once it is ready, and stop it with all it started."""
    port = free_port()
    log = data_dir / "service.log"
    given = {f"METASHOT_{name.upper()}": str(value) for name, value in settings.items()}
    env = os.environ | {"PORT": str(port), "DATA_DIR": str(data_dir), "OMP_NUM_THREADS": "1"} | given
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve"],
            env=env,
            cwd=_ROOT,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, process, log)
        yield address, process
        process.terminate()
        process.wait(PATIENCE)
    finally:
        kill(process)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End the server, its supervisor and its worker at once, as a loss of power would."""
    try:
        started = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return
    process.kill()
    for one in started:  # one by one, as BentoML gives each worker a process group of its own
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()
    psutil.wait_procs(started, PATIENCE)


def wait_until_ready(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until a server that is starting takes requests."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the service did not become ready:\n{log.read_text()[-3000:]}")
