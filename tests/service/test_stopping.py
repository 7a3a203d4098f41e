"""``score`` that is stopped from outside leaves nothing behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.__main__ import main
from service.client import Client
from tests.service.made_images import drawing
from tests.service.tiny_service import at_an_address


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with at_an_address(tmp_path / "var") as address:
        yield address


@pytest.fixture
def asked(address: str, tmp_path: Path) -> list[str]:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "1.png").write_bytes(drawing(1))
    with Client(address) as client:
        task = client.create_task([(label, tmp_path / "in" / "1.png") for label in "ab"])["id"]
    return ["score", f"--task={task}", f"--input={tmp_path / 'in'}", f"--output={tmp_path / 'out' / 'o.csv'}"]


def stopping(number: int) -> Any:
    """What follows a job, but gets a signal then, and another one while it tidies up."""
    follow, end = Client.follow_job, Client.end_job

    def followed(self: Client, job_id: str) -> Iterator[dict[str, Any]]:
        assert signal.getsignal(number) is not signal.SIG_DFL  # which would end the tests
        os.kill(os.getpid(), number)
        return follow(self, job_id)

    def ended(self: Client, job_id: str) -> None:
        assert signal.getsignal(number) is not signal.SIG_DFL
        os.kill(os.getpid(), number)
        end(self, job_id)

    return {"follow_job": followed, "end_job": ended}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left(
    address: str, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    for name, stopped in stopping(number).items():
        monkeypatch.setattr(Client, name, stopped)
    before = signal.signal(number, signal.SIG_DFL)  # these tests themselves may run under nohup
    try:
        assert main([*asked, "--server", address]) == 130
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert list((tmp_path / "out").iterdir()) == []
    with Client(address) as client:
        assert client.connection.ask("GET", "/v1/jobs").json()["items"] == []


def test_what_nohup_keeps_away_stays_away(
    address: str, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, stopped in stopping(signal.SIGHUP).items():
        monkeypatch.setattr(Client, name, stopped)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert main([*asked, "--server", address]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["o.csv"]
