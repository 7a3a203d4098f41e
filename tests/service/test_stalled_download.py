"""A caller who no longer reads does not keep the service from stopping."""

import socket
import time
from pathlib import Path

import pytest

from service.commands.serve import STOP_S
from service.store.database import Database
from service.store.job_store import JobStore
from tests.service.server_process import server
from tests.service.tiny_service import TINY, save_tiny

ROWS = 20_000  # of a kilobyte each: more than the buffers between a server and a caller hold


def store_results(data_dir: Path) -> None:
    database = Database(data_dir)
    store = JobStore(database)
    job = store.create("j", task_id="t", model=TINY, total=ROWS)
    store.start_next()
    assert store.commit_batch(job.number, 0, [{"filename": f"{k}.png", "error": "x" * 1000} for k in range(ROWS)])
    assert store.finish(job.number, "done")
    database.close()


@pytest.mark.long
def test_the_service_stops(tmp_path: Path) -> None:
    save_tiny(tmp_path / "initializations" / TINY)
    store_results(tmp_path)
    with server(tmp_path) as (address, process), socket.socket() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.connect(("127.0.0.1", int(address.rpartition(":")[2])))
        caller.sendall(b"GET /v1/jobs/j/results HTTP/1.1\r\nHost: x\r\n\r\n")
        assert caller.recv(12) == b"HTTP/1.1 200"
        time.sleep(0.5)
        process.terminate()
        process.wait(STOP_S + 30)
