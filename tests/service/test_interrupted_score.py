"""Whenever ``score`` is interrupted: no job is left that neither the next run nor the user knows of."""

import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.__main__ import main
from service.background.jobs import Jobs
from service.client import Client, Unreachable
from service.client.connection import Connection
from service.client.errors import check
from service.client.late_file import LateFile
from service.commands import left_jobs, score
from service.commands.left_jobs import JobNotes
from service.commands.parts import Part, in_parts
from service.store.job_store import JobStore
from tests.service.killed_score import jobs, names
from tests.service.made_images import drawing, write

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def asked(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command that scores three images, each a part of its own."""
    for seed in (5, 6, 7):
        write(tmp_path / "in" / f"{seed}.png", drawing(seed))
    (tmp_path / "out").mkdir()
    with Client(address) as client:
        task = client.create_task([(label, tmp_path / "in" / "5.png") for label in "ab"])["id"]
    monkeypatch.setattr(score, "in_parts", lambda root, files: in_parts(root, files, images=1))
    paths = [f"--input={tmp_path / 'in'}", f"--output={tmp_path / 'out' / 'o.jsonl'}"]
    return ["score", f"--task={task}", f"--server={address}", *paths]


def interrupt() -> None:
    """Press Ctrl-C: the main thread, which runs the command, is the one to stop."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


def interrupting(
    monkeypatch: pytest.MonkeyPatch, owner: Any, step: str, *, call: int = 2, first: bool = True
) -> list[None]:
    """Interrupt the command before a call of a step, or behind it, once; give the calls so far."""
    intact, calls = getattr(owner, step), list[None]()

    def noted(*given: Any, **named: Any) -> Any:
        calls.append(None)
        if first and len(calls) == call:
            interrupt()
        found = intact(*given, **named)
        if not first and len(calls) == call:
            interrupt()
        return found

    monkeypatch.setattr(owner, step, noted)
    return calls


def finishes(asked: list[str], address: str, tmp_path: Path) -> None:
    """The same command, given again, leaves all answers and no job."""
    assert main(asked) == 0
    assert names(tmp_path / "out" / "o.jsonl") == ["5.png", "6.png", "7.png"]
    assert jobs(address) == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["o.jsonl"]


STAGES: dict[str, tuple[Any, str, int, bool]] = {
    "before anything is sent": (JobNotes, "job_for", 2, False),
    "while a part is packed": (Part, "archive", 2, True),
    "before the body is sent": (Connection, "upload", 2, True),
    "while the body is sent": (LateFile, "read", 3, True),
    "before the job is stored": (Jobs, "_queue", 2, True),
    "once the job is stored": (JobStore, "create", 2, False),
    "once the answer is there": (Connection, "upload", 2, False),
    "while the job is followed": (Client, "follow_job", 2, True),
    "while the answers come": (Connection, "stream", 2, True),
    "once the answers are there": (Client, "save_results", 2, False),
    "before the job is deleted": (JobNotes, "end", 2, True),
    "while the job is deleted": (Client, "end_job", 2, False),
}


@pytest.mark.parametrize("stage", STAGES)
def test_at_any_moment(
    address: str, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, stage: str
) -> None:
    monkeypatch.setattr(left_jobs, "_COMING_S", 1.0)
    owner, step, call, first = STAGES[stage]
    with monkeypatch.context() as patch:
        calls = interrupting(patch, owner, step, call=call, first=first)
        assert main(asked) == 130
        assert len(calls) >= call
    told = capsys.readouterr().err
    time.sleep(0.2)  # if a job is still to begin, it has by then
    for job in jobs(address):
        assert f"job {job['id']} " in told
    finishes(asked, address, tmp_path)


def test_a_job_that_begins_after_the_interruption_is_waited_for_and_deleted(
    address: str, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with monkeypatch.context() as patch:
        stored = stored_late(patch, lambda: time.sleep(0.5))
        assert main(asked) == 130
        assert stored.is_set()
    assert jobs(address) == []
    assert "may still be" not in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == []


def test_a_job_that_begins_too_late_to_be_waited_for_is_told_and_taken_over(
    address: str, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(left_jobs, "_COMING_S", 0.1)
    go_on = threading.Event()
    with monkeypatch.context() as patch:
        stored = stored_late(patch, lambda: go_on.wait(30))
        assert main(asked) == 130
        go_on.set()
        assert stored.wait(30)
    (left,) = jobs(address)
    (line, _) = capsys.readouterr().err.splitlines()
    assert line == f"job {left['id']} may still be on the server; the same command takes it over or deletes it"
    begun = interrupting(monkeypatch, Connection, "upload", call=0)
    finishes(asked, address, tmp_path)
    assert len(begun) == 2, "the first part is not sent again"


def stored_late(patch: pytest.MonkeyPatch, wait: Callable[[], object]) -> threading.Event:
    """Interrupt the command once the server has the whole first part; it stores the job after a wait."""
    queue, stored = Jobs._queue, threading.Event()

    def late(*given: Any) -> Any:
        if stored.is_set():
            return queue(*given)
        interrupt()
        wait()
        try:
            return queue(*given)
        finally:
            stored.set()

    patch.setattr(Jobs, "_queue", late)
    return stored


def cut() -> None:
    raise Unreachable("the line was cut")


def given_up_by_a_proxy() -> None:
    check(httpx.Response(504))


@pytest.mark.parametrize("fail", [cut, given_up_by_a_proxy])
def test_a_part_that_no_answer_came_to_may_have_a_job_later(
    address: str,
    asked: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    fail: Callable[[], None],
) -> None:
    def lost(*_: Any, **__: Any) -> None:
        fail()

    monkeypatch.setattr(left_jobs, "_COMING_S", 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(Client, "start_job", lost)
        assert main(asked) == 2
    told = capsys.readouterr().err
    found = re.match(r"job ([0-9a-f]{32}) may still be on the server", told)
    assert found is not None, told
    assert list((tmp_path / "out" / ".o.jsonl.parts").glob(f"*.{found[1]}.job"))
    finishes(asked, address, tmp_path)


def test_a_part_that_was_refused_has_none(
    address: str, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(left_jobs, "_COMING_S", 60.0)
    assert main([*asked, "--keep-known=2"]) == 2
    assert "may still be" not in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == []
