"""A ``score`` that is killed, what it leaves on the server, and what it has written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.__main__ import main
from service.client import Client
from service.commands import score
from service.commands.left_jobs import JobNotes

Job = dict[str, Any]


def jobs(address: str) -> list[Job]:
    with Client(address) as client:
        return list(client.connection.ask("GET", "/v1/jobs").json()["items"])


class Killed(BaseException):
    """Nothing of this process is run any more."""


def killed(asked: list[str], monkeypatch: pytest.MonkeyPatch, part: int = 2) -> None:
    """Run the command as if it were killed while it follows the job of its first or a later part."""
    follow, followed = Client.follow_job, []

    def broken(self: Client, job_id: str) -> Iterator[Job]:
        followed.append(job_id)
        if len(followed) == part:
            raise Killed
        return follow(self, job_id)

    end = JobNotes.end
    with monkeypatch.context() as patch:
        patch.setattr(Client, "follow_job", broken)
        patch.setattr(JobNotes, "end", lambda *given: None if len(followed) == part else end(*given))
        patch.setattr(score, "_tell_left", lambda *_: None)
        with pytest.raises(Killed):
            main(asked)


def names(output: Path) -> list[str]:
    return [json.loads(line)["filename"] for line in output.read_text().splitlines()]
