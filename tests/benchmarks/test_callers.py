"""Callers of a small server: each ticket is served once, and failures are told."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.callers import load, percentile
from benchmarks.drawings import Call, Drawings


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500 if body == b"fail" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def echo():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_each_ticket_is_served_once():
    seen = []

    def work(caller, ticket):
        seen.append(int(caller.send(Call("POST", "/", str(ticket).encode()))))

    with echo() as port:
        measured = load(port, 4, work, iter(range(50)))
    assert sorted(seen) == list(range(50))
    assert len(measured.latencies) == 50
    assert measured.rate == 50 / measured.seconds


def test_a_refusal_ends_the_load():
    with echo() as port, pytest.raises(RuntimeError, match="500"):
        load(port, 2, lambda caller, _: caller.send(Call("POST", "/", b"fail")), iter(range(10**9)))


def test_percentiles():
    assert percentile(tuple(range(100)), 99) == 99
    assert percentile((1.0,), 50) == 1.0


def test_tasks_are_drawn_by_seed_without_repeats():
    drawings = Drawings(4, 6)
    task = drawings.task(3, 2, 7, seed=1)
    assert task == Drawings(4, 6).task(3, 2, 7, seed=1) != drawings.task(3, 2, 7, seed=2)
    files = [file for _, file in task.support] + list(task.queries)
    assert len(set(files)) == len(files) == 13
