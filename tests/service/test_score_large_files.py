"""``score`` of files that are too large: each is told in its row, and stops no other."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from service.__main__ import main
from service.client import Client
from service.client.late_file import LateFile
from service.settings import MEBIBYTE
from tests.service.made_images import drawing, write
from tests.service.tiny_service import at_an_address


def test_one_that_the_service_does_not_take(tmp_path: Path) -> None:
    write(tmp_path / "in" / "large.png", bytes(30_000))
    write(tmp_path / "in" / "small.png", drawing(4))
    output = tmp_path / "o.jsonl"
    with at_an_address(tmp_path / "var", max_file_bytes=20_000) as address, Client(address) as client:
        task = client.create_task([(label, tmp_path / "in" / "small.png") for label in "ab"])["id"]
        given = ["score", "--task", task, "--input", str(tmp_path / "in"), "--output", str(output)]
        assert main([*given, "--server", address]) == 0
    large, small = (json.loads(line) for line in output.read_text().splitlines())
    assert "30000 bytes, 20000 are allowed; make it smaller" in large["error"]
    assert small["label"] in "ab"


@pytest.mark.parametrize("limits", [{"max_archive_bytes": 18 * MEBIBYTE}, {"upload_s": 0.5}])
def test_one_that_cannot_be_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any]) -> None:
    read = LateFile.read

    def over_a_slow_line(self: LateFile, size: int = -1) -> bytes:
        time.sleep(0.01 if "upload_s" in limits else 0)  # for each 64 KiB
        return read(self, size)

    for name in ("a.png", "c.png"):
        write(tmp_path / "in" / name, drawing(4))
    with (tmp_path / "in" / "b\n.png").open("wb") as file:
        file.truncate(19 * MEBIBYTE)
    monkeypatch.setattr(LateFile, "read", over_a_slow_line)
    output = tmp_path / "o.jsonl"
    with at_an_address(tmp_path / "var", **limits) as address, Client(address) as client:
        task = client.create_task([(label, tmp_path / "in" / "a.png") for label in "ab"])["id"]
        given = ["score", "--task", task, "--input", str(tmp_path / "in"), "--output", str(output)]
        assert main([*given, "--server", address]) == 0
        assert client.connection.ask("GET", "/v1/jobs").json()["items"] == []
    first, large, last = (json.loads(line) for line in output.read_text().splitlines())
    assert [first["filename"], large["filename"], last["filename"]] == ["a.png", "b\n.png", "c.png"]
    assert "label" in first
    assert "label" in last
    assert large["error"].startswith("b\ufffd.png is too large to be sent (4")
