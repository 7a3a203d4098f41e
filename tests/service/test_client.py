"""The client, also of servers that are not the service."""

import hashlib
import resource
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from service.__main__ import main
from service.client import Client, Missing, ServiceError
from tests.service.made_images import drawing, zipped
from tests.service.server_process import free_port


class _Stranger(BaseHTTPRequestHandler):
    """Gives every question the same answer."""

    status, body = 200, b""
    busy = 503  # what it answers first, while it shall be asked again
    asked_to_wait: ClassVar[list[str]] = []  # that, with each of these as Retry-After

    def do_GET(self) -> None:
        if self.asked_to_wait:
            self.send_response(self.busy)
            self.send_header("Retry-After", self.asked_to_wait.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Stranger)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_example_can_be_seen_and_moved(address: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{seed}.png" for seed in range(3)]
    for seed, file in enumerate(files):
        file.write_bytes(drawing(seed))
    with Client(address) as client:
        task = client.create_task(zip("aab", files, strict=True))
        first = next(one for one in task["examples"] if one["filename"] == "a/0.png")
        assert client.example(task["id"], first["id"]) == drawing(0)
        moved = client.move_example(task["id"], first["id"], "b")
        assert moved["classes"] == [{"label": "a", "examples": 1}, {"label": "b", "examples": 2}]
        for ask in (client.example, lambda *ids: client.move_example(*ids, "b")):
            with pytest.raises(ServiceError, match="404: there is no example 'x y'"):
                ask(task["id"], "x y")


ODD = "ß/ü ?#%2F&=+ 'a' \"b\""


def test_examples_can_be_added_and_removed_and_so_can_classes(address: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{seed}.png" for seed in range(4)]
    for seed, file in enumerate(files):
        file.write_bytes(drawing(seed))
    with Client(address) as client:
        task = client.create_task(zip("ab", files, strict=False))["id"]
        added = client.add_examples(task, [("b", files[2]), (ODD, files[3])])
        names = {one["filename"]: one["id"] for one in added["examples"]}
        assert set(names) == {"a/0.png", "b/1.png", "b/2.png", f"{ODD}/3.png"}
        assert client.example(task, names["b/2.png"]) == drawing(2)
        left = client.delete_example(task, names["b/1.png"])
        assert left["classes"] == [{"label": label, "examples": 1} for label in ("a", "b", ODD)]
        assert [one["label"] for one in client.delete_class(task, ODD)["classes"]] == ["a", "b"]
        with pytest.raises(ServiceError, match="409: this would leave fewer than two classes"):
            client.delete_class(task, "a")
        for gone in (lambda: client.delete_class(task, ODD), lambda: client.delete_example(task, "x y")):
            with pytest.raises(Missing, match="404: there is no "):
                gone()
        with pytest.raises(ServiceError, match="there is no image to send"):
            client.add_examples(task, [])


def test_another_servers_page_is_no_image(stranger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Stranger, "body", b"<html></html>")
    with Client(stranger) as client, pytest.raises(ServiceError, match="is not this service"):
        client.example("t", "e")


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"<html>\n</html>", "is not this service"),
        (200, b"\xff\xfe", "is not this service"),
        (200, b"[]", "is not this service"),
        (200, b"{}", "is not this service"),
        (302, b"", "is not this service"),
        (404, b"[]", "404: [] (from a proxy or another server"),
        (404, b"", "404: Not Found (from a proxy or another server, not this service; check the address"),
        (500, b"<html>\n</html>", "500: <html> </html> (from a proxy"),
    ],
)
def test_another_server_is_an_error_of_one_line(
    stranger: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    body: bytes,
    told: str,
) -> None:
    monkeypatch.setattr(_Stranger, "status", status)
    monkeypatch.setattr(_Stranger, "body", body)
    (tmp_path / "1.png").write_bytes(drawing(1))
    asked = ["score", "--task", "t", "--input", str(tmp_path), "--output", str(tmp_path / "o.csv")]
    assert main([*asked, "--server", stranger]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_a_busy_server_is_asked_again_no_sooner_than_it_says(
    stranger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("service.client.patience.time.sleep", pauses.append)
    monkeypatch.setattr(_Stranger, "body", b'{"id": "x"}')
    monkeypatch.setattr(_Stranger, "asked_to_wait", ["7", "0", "Fri, 31 Dec 1999 23:59:59 GMT", "3600", "²"])
    with Client(stranger) as client:
        assert client.task("x", patient=True) == {"id": "x"}
    assert pauses == [7, 0.3, 0.3, 60, 0.3]


@pytest.mark.parametrize("busy", [502, 504])
def test_a_proxy_before_a_service_that_restarts_or_takes_long_is_asked_again(
    stranger: str, monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    monkeypatch.setattr("service.client.patience.time.sleep", lambda _: None)
    monkeypatch.setattr(_Stranger, "body", b'{"id": "x"}')
    monkeypatch.setattr(_Stranger, "busy", busy)
    monkeypatch.setattr(_Stranger, "asked_to_wait", [""])
    with Client(stranger) as client:
        assert client.task("x", patient=True) == {"id": "x"}


def test_no_proxy_comes_between(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with Client(address) as client, pytest.raises(ServiceError, match="404: there is no task"):
        client.task("x")


def test_no_message_shows_a_password() -> None:
    with (
        Client(f"http://user:secret@127.0.0.1:{free_port()}") as client,
        pytest.raises(ServiceError, match=r"no answer from http://127\.0\.0\.1:\d+ ") as caught,
    ):
        client.task("x")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("other", ["?x=1", "#x", "/../{}", "\n"])
def test_an_id_is_asked_for_as_it_is_given(address: str, tmp_path: Path, other: str) -> None:
    (tmp_path / "1.png").write_bytes(drawing(1))
    with Client(address) as client:
        task = client.create_task([("a", tmp_path / "1.png"), ("b", tmp_path / "1.png")])["id"]
        with pytest.raises(ServiceError, match="404"):
            client.task(task + other.format(task))


@pytest.mark.parametrize("dots", ["..", ".", "a/../.."])
def test_what_would_be_the_address_of_something_else_is_not_asked_for(
    address: str, tmp_path: Path, dots: str
) -> None:
    """As a program may pass on what a user typed, and dots would climb from a class to the task."""
    (tmp_path / "1.png").write_bytes(drawing(1))
    (tmp_path / "2.png").write_bytes(drawing(2))
    with Client(address) as client:
        task = client.create_task([("a", tmp_path / "1.png"), ("b", tmp_path / "2.png")])["id"]
        for gone in (client.delete_class, client.delete_example, client.example):
            with pytest.raises(Missing):
                gone(task, dots)
        for lost in (client.job, client.end_job):
            with pytest.raises(Missing):
                lost(f"{dots}/tasks/{task}")
        with pytest.raises(Missing):
            client.save_results(f"{dots}/../docs.json?", tmp_path / "answers.csv", "csv")
        assert client.task(task)["version"] == 1


def test_a_label_that_no_address_keeps_is_told(address: str, tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(drawing(1))
    support = [(label, tmp_path / "1.png") for label in ("a", "b", "a/..")]
    with Client(address) as client, pytest.raises(ServiceError, match=r"422: the label 'a/\.\.' has a part"):
        client.create_task(support)


def test_a_search_that_found_no_image_is_told(address: str, tmp_path: Path) -> None:
    with Client(address) as client:
        for asked in (
            lambda: client.classify("task", sorted(tmp_path.glob("*.png"))),
            lambda: client.create_task([]),
        ):
            with pytest.raises(ServiceError, match="there is no image to send"):
                asked()


def test_a_refusal_names_the_file_at_fault_once(address: str, tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(drawing(1))
    (tmp_path / "2.png").write_bytes(b"no image")
    good, bad = tmp_path / "1.png", tmp_path / "2.png"
    with Client(address) as client:
        with pytest.raises(ServiceError) as raised:
            client.create_task([("a", good), (" . ", good)])
        assert str(raised.value).endswith("choose another name (file  . /1.png)")
        with pytest.raises(ServiceError) as raised:
            client.create_task([("a", good), ("b", bad)])
        assert str(raised.value) == "422: b/2.png is not a PNG, JPEG, WebP or BMP image"


def test_more_files_than_may_be_open_at_a_time(address: str, tmp_path: Path) -> None:
    for seed in range(100):
        (tmp_path / f"{seed}.png").write_bytes(drawing(seed))
    files = sorted(tmp_path.iterdir())
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = len(list(Path("/dev/fd").iterdir())) + 60
    with Client(address) as client:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, before[1]))
        try:
            task = client.create_task([("ab"[index % 2], path) for index, path in enumerate(files)])
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        assert [one["examples"] for one in task["classes"]] == [50, 50]
        assert [one["filename"] for one in client.classify(task["id"], files)] == [path.name for path in files]


def test_a_temporary_task_can_be_kept(address: str, tmp_path: Path) -> None:
    support = []
    for seed, label in enumerate("ab"):
        path = tmp_path / f"{label}.png"
        path.write_bytes(drawing(seed))
        support.append((label, path))
    with Client(address) as client:
        task = client.create_task(support, expires_in=60)
        assert task["expires_in"] == 60
        kept = client.keep_task(task["id"], "letters")
        assert (kept["id"], kept["name"], kept["expires_in"]) == (task["id"], "letters", None)


def test_of_an_id_that_another_tasks_job_has_no_answers_are_given(address: str, tmp_path: Path) -> None:
    """As of scripts that make a job's id from its images."""
    for seed in (1, 2, 3):
        (tmp_path / f"{seed}.png").write_bytes(drawing(seed))
    archive = tmp_path / "i.zip"
    archive.write_bytes(zipped({"3.png": drawing(3)}))
    with Client(address) as client:
        support = [(label, tmp_path / f"{seed}.png") for label, seed in (("a", 1), ("b", 2))]
        one, other = (str(client.create_task(support)["id"]) for _ in range(2))
        chosen = hashlib.md5(archive.read_bytes()).hexdigest()
        assert client.start_job(one, archive, job_id=chosen)["id"] == chosen
        assert client.start_job(one, archive, job_id=chosen)["id"] == chosen
        with pytest.raises(ServiceError, match="choose another"):
            client.start_job(other, archive, job_id=chosen)
