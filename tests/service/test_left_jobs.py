"""What ``score`` leaves on a server when it is killed: the next run takes it over, or deletes it."""

import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.__main__ import main
from service.client import Client, ServiceError, Unreachable
from service.client.connection import Connection
from service.commands import score
from service.commands.parts import in_parts
from service.computing.classifier import Classifier
from tests.service.killed_score import Job, jobs, killed, names
from tests.service.made_images import drawing, write
from tests.service.tiny_service import until


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for seed in (5, 6, 7):
        write(tmp_path / "in" / f"{seed}.png", drawing(seed))
    (tmp_path / "out").mkdir()
    return tmp_path / "in"


@pytest.fixture
def output(images: Path, tmp_path: Path) -> Path:
    return tmp_path / "out" / "o.jsonl"


@pytest.fixture
def task(address: str, images: Path) -> str:
    with Client(address) as client:
        return str(client.create_task([(label, images / "5.png") for label in "ab"])["id"])


@pytest.fixture
def asked(address: str, task: str, images: Path, output: Path) -> list[str]:
    return ["score", f"--task={task}", f"--input={images}", f"--output={output}", f"--server={address}"]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent of jobs; an image is a part of its own."""
    found: list[str] = []
    upload = Connection.upload

    def noted(self: Connection, path: str, *given: Any, **options: Any) -> Job:
        if "/jobs" in path:
            found.append(path)
        return upload(self, path, *given, **options)

    monkeypatch.setattr(Connection, "upload", noted)
    monkeypatch.setattr(score, "in_parts", lambda root, files: in_parts(root, files, images=1))
    return found


@pytest.mark.parametrize("part", [1, 2, 3])
def test_the_same_command_takes_its_job_over(
    address: str, asked: list[str], output: Path, sent: list[str], monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    killed(asked, monkeypatch, part)
    assert len(jobs(address)) == 1
    assert main(asked) == 0
    assert names(output) == ["5.png", "6.png", "7.png"]
    assert len(sent) == 3, "none was sent again"
    assert jobs(address) == []
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_of_files_or_a_task_that_changed_meanwhile_the_job_is_deleted(
    address: str,
    asked: list[str],
    images: Path,
    output: Path,
    task: str,
    sent: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed(asked, monkeypatch)
    (left,) = jobs(address)
    os.utime(images / "6.png", (0, 0))
    killed(asked, monkeypatch, part=1)
    assert left["id"] not in [job["id"] for job in jobs(address)]
    with Client(address) as client, (images / "7.png").open("rb") as file:
        client.connection.ask("POST", f"/v1/tasks/{task}/examples", files={"support": file}, data={"labels": "a"})
    assert main(asked) == 0
    assert names(output) == ["5.png", "6.png", "7.png"]
    assert jobs(address) == []


def test_a_job_that_somebody_cancelled_is_begun_anew(
    address: str, asked: list[str], output: Path, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show, told = Client.job, []

    def shown(self: Client, job_id: str) -> Job:
        job = show(self, job_id)
        if not told:
            told.append(job_id)
            job["status"] = "cancelled"
        return job

    killed(asked, monkeypatch)
    (left,) = jobs(address)
    with Client(address) as client:
        list(client.follow_job(left["id"]))
    monkeypatch.setattr(Client, "job", shown)
    assert main(asked) == 0
    assert told == [left["id"]]
    assert len(sent) == 4
    assert names(output) == ["5.png", "6.png", "7.png"]
    assert jobs(address) == []


def test_a_job_that_could_not_be_deleted_goes_with_the_next_run(
    address: str, asked: list[str], output: Path, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: Client, job_id: str) -> None:
        raise Unreachable("no answer")

    follow = Client.follow_job

    def failing(self: Client, job_id: str) -> Iterator[Job]:
        yield from follow(self, job_id)
        raise ServiceError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(Client, "follow_job", failing)
        patch.setattr(Client, "end_job", away)
        assert main(asked) == 2
    assert len(jobs(address)) == 1
    assert main(asked) == 0
    assert names(output) == ["5.png", "6.png", "7.png"]
    assert len(sent) == 3
    assert jobs(address) == []


def test_what_could_not_be_deleted_in_between_goes_at_the_end(
    address: str, asked: list[str], output: Path, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    end, refused = Client.end_job, []

    def failing_once(self: Client, job_id: str) -> None:
        if not refused:
            refused.append(job_id)
            raise Unreachable("no answer")
        end(self, job_id)

    monkeypatch.setattr(Client, "end_job", failing_once)
    assert main(asked) == 0
    assert refused
    assert jobs(address) == []


def test_a_job_whose_answer_was_lost_is_not_begun_twice(
    address: str, asked: list[str], output: Path, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, lost = Connection.answer, []

    def losing(self: Connection, method: str, path: str, **options: Any) -> Job:
        found = answer(self, method, path, **options)
        if method == "POST" and not lost:
            lost.append(found["id"])
            raise Unreachable("the connection was cut")
        return found

    monkeypatch.setattr(Connection, "answer", losing)
    assert main(asked) == 0
    assert lost
    assert len(sent) == 3
    assert names(output) == ["5.png", "6.png", "7.png"]
    assert jobs(address) == []


def test_a_service_of_a_former_release_chooses_the_ids_itself(
    address: str, asked: list[str], output: Path, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = Connection.upload

    def of_former_release(self: Connection, path: str, *given: Any, **options: Any) -> Job:
        return upload(self, path.partition("?")[0], *given, **options)

    monkeypatch.setattr(Connection, "upload", of_former_release)
    killed(asked, monkeypatch)
    assert main(asked) == 0
    assert names(output) == ["5.png", "6.png", "7.png"]
    assert len(sent) == 3
    assert jobs(address) == []


def test_what_takes_the_place_of_a_file_has_reached_the_disk(
    asked: list[str], output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or else, after a loss of power, an empty file might pass for a part's answers."""
    fsync, replace = os.fsync, Path.replace
    flushed: set[int] = set()
    replaced: dict[str, bool] = {}

    def noted(descriptor: int) -> None:
        flushed.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def checked(path: Path, target: Path) -> Path:
        if output.parent in target.parents:
            replaced[target.suffix] = path.stat().st_ino in flushed
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(Path, "replace", checked)
    assert main([*asked, f"--output={output.with_suffix('.csv')}"]) == 0
    assert replaced == {".jsonl": True, ".csv": True}


def test_what_it_packs_lies_beside_the_answers_and_goes(
    asked: list[str], output: Path, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or else a run that is killed while it packs would leave its archive in the temporary folder for ever."""
    start, packed = Client.start_job, list[Path]()

    def noted(self: Client, task_id: str, archive: Path, *given: Any, **options: Any) -> Job:
        packed.append(archive)
        if len(packed) == 2:
            raise ServiceError("no")
        return start(self, task_id, archive, *given, **options)

    monkeypatch.setattr(Client, "start_job", noted)
    folder = output.with_name(f".{output.name}.parts")
    assert main(asked) == 2
    assert [path.parent for path in packed] == [folder] * 2
    assert [path.suffix for path in folder.iterdir()] == [".jsonl"]
    packed[0].write_bytes(b"of a run that was killed")
    assert main(asked) == 0
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_an_archive_of_the_users_own_stays(asked: list[str], images: Path, output: Path, tmp_path: Path) -> None:
    own = tmp_path / "images.zip"
    with zipfile.ZipFile(own, "w") as archive:
        archive.write(images / "5.png", "5.png")
    assert main([*asked, f"--input={own}"]) == 0
    assert names(output) == ["5.png"]
    assert zipfile.is_zipfile(own)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Jobs get no answers until this is called."""
    go_on, answers_of = threading.Event(), Classifier.answers

    def answers(*given: Any) -> Any:
        assert go_on.wait(60)
        return answers_of(*given)

    monkeypatch.setattr(Classifier, "answers", answers)
    return go_on.set


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_stopped(
    address: str, asked: list[str], output: Path, held: Callable[[], None], number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "service", *asked]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2]) as process:
        until(lambda: process.poll() is not None or len(jobs(address)) == 1)
        os.kill(process.pid, number)
        assert process.wait(60) != 0
    left = jobs(address)
    assert len(left) == (number == signal.SIGKILL)
    held()
    assert main(asked) == 0
    assert names(output) == ["5.png", "6.png", "7.png"]
    assert jobs(address) == []
