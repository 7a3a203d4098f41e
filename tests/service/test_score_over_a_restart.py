"""``score`` goes on over a restart of the service, and mixes no answers of two initializations."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from service.__main__ import main
from service.client import Client
from service.commands import score
from service.commands.parts import in_parts
from service.settings import INITIALIZATIONS
from tests.service import tiny_service
from tests.service.killed_score import jobs, names
from tests.service.made_images import drawing, write
from tests.service.server_process import free_port
from tests.service.tiny_service import TINY, at_an_address, save_tiny


@pytest.mark.parametrize("seed", [0, 1], ids=["the same initialization", "another of its name"])
def test_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    for image in (5, 6, 7):
        write(tmp_path / "in" / f"{image}.png", drawing(image))
    (tmp_path / "out").mkdir()
    output, port, start, begun = tmp_path / "out" / "o.jsonl", free_port(), Client.start_job, list[str]()
    monkeypatch.setattr(tiny_service, "free_port", lambda: port)
    monkeypatch.setattr(score, "in_parts", lambda root, files: in_parts(root, files, images=1))
    with ExitStack() as service:

        def restarting(self: Client, *given: Any, **named: Any) -> dict[str, Any]:
            begun.append(named["job_id"])
            if len(begun) == 2:
                service.close()
                save_tiny(tmp_path / "var" / INITIALIZATIONS / TINY, seed=seed)
                monkeypatch.setattr(tiny_service, "save_tiny", lambda _: None)
                service.enter_context(at_an_address(tmp_path / "var"))
            return start(self, *given, **named)

        monkeypatch.setattr(Client, "start_job", restarting)
        address = service.enter_context(at_an_address(tmp_path / "var"))
        with Client(address) as client:
            task = client.create_task(
                [(label, tmp_path / "in" / f"{seed}.png") for seed, label in ((5, "a"), (6, "b"))]
            )
        asked = ["score", f"--task={task['id']}", f"--server={address}", f"--input={tmp_path / 'in'}"]
        asked.append(f"--output={output}")
        assert main(asked) == (2 if seed else 0)
        if seed:
            assert (
                "or the initialization behind it, has been changed meanwhile: run the same"
                in capsys.readouterr().err
            )
            assert list((tmp_path / "out").iterdir()) == []
            assert main(asked) == 0
        assert len(begun) == (5 if seed else 3)
        assert names(output) == ["5.png", "6.png", "7.png"]
        assert jobs(address) == []
