"""Commands that write to a full disk: they tell which one it is, and what to do."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.__main__ import main
from service.client import Client
from service.commands.outputs import written_whole
from service.commands.parts import in_parts
from tests.service.made_images import drawing
from tests.service.tiny_service import ended

FULL = Path("/dev/full")  # every write to it fails as on a full disk
Capture = pytest.CaptureFixture[str]
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for seed in (1, 2):
        (folder / f"{seed}.png").write_bytes(drawing(seed))
    return folder


def test_results_that_cannot_be_kept_name_their_file(address: str, images: Path, tmp_path: Path) -> None:
    with Client(address) as client:
        task = client.create_task([(path.stem, path) for path in images.iterdir()])["id"]
        part = in_parts(images, sorted(images.iterdir()))
        job = client.start_job(task, next(part).archive(tmp_path))["id"]
        ended(client.connection._http, job)
        (tmp_path / ".rows.jsonl.part").symlink_to(FULL)
        with pytest.raises(OSError, match=r"rows\.jsonl") as caught:
            client.save_results(job, tmp_path / "rows.jsonl", "jsonl")
    assert caught.value.errno == errno.ENOSPC


def test_an_archive_that_cannot_be_packed_is_at_fault_rather_than_its_images(
    images: Path, tmp_path: Path
) -> None:
    (tmp_path / "images.zip").symlink_to(FULL)
    (part,) = in_parts(images, sorted(images.iterdir()))
    with pytest.raises(OSError, match=r"images\.zip") as caught:
        part.archive(tmp_path)
    assert caught.value.errno == errno.ENOSPC


def test_an_output_is_named_as_the_user_named_it(tmp_path: Path) -> None:
    (tmp_path / ".o.csv.part").symlink_to(FULL)
    with pytest.raises(OSError, match=r"/o\.csv") as caught, written_whole(tmp_path / "o.csv") as file:
        file.write(b"1")
    assert caught.value.errno == errno.ENOSPC


def test_after_a_failure_there_is_what_was_there_before(tmp_path: Path) -> None:
    def torn() -> Iterator[bytes]:
        yield b"half"
        raise ZeroDivisionError

    (tmp_path / "o.csv").write_text("before")
    with pytest.raises(ZeroDivisionError), written_whole(tmp_path / "o.csv") as file:
        file.writelines(torn())
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"o.csv": "before"}


def test_the_command_says_what_to_do(
    address: str, images: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(address) as client:
        task = client.create_task([(path.stem, path) for path in images.iterdir()])["id"]
    (tmp_path / "full.csv").symlink_to(FULL)
    asked = ["score", "--task", task, "--input", str(images), "--server", address]
    assert main([*asked, "--output", str(tmp_path / "full.csv")]) == 2
    kept, told = capsys.readouterr().err.splitlines()
    assert kept == "answers so far are kept; the same command goes on"
    assert (
        told == f"error: the disk of {tmp_path / 'full.csv'} is full; make room, then give the same command again"
    )
    (tmp_path / "full.csv").unlink()
    monkeypatch.setattr(Client, "start_job", None)  # which is not needed any more
    assert main([*asked, "--output", str(tmp_path / "full.csv")]) == 0
