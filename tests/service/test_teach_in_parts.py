"""``teach`` sends a large support set in several requests; the task is the same, or there is none."""

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service.__main__ import main
from service.client import Client, ServiceError
from service.commands import teach
from service.commands.parts import labelled_parts
from tests.service.made_images import drawing, write

CLASSES = {"a": 4, "b": 1, "c/d": 3}


@pytest.fixture
def support(tmp_path: Path) -> Path:
    folder = tmp_path / "letters"
    for place, (label, images) in enumerate(CLASSES.items()):
        for seed in range(images):
            write(folder / label / f"{seed}.png", drawing(10 * place + seed))
    return folder


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 2 * len(drawing()) + 50
    monkeypatch.setattr(teach, "labelled_parts", partial(labelled_parts, size=size))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, list[str]]]]:
    """What was sent: the labels of each request."""
    sent: list[tuple[str, list[str]]] = []
    create, add = Client.create_task, Client.add_examples

    def creating(self: Client, support: Any, **options: Any) -> dict[str, Any]:
        sent.append(("create", [label for label, _ in support]))
        return create(self, support, **options)

    def adding(self: Client, task_id: str, support: Any) -> dict[str, Any]:
        sent.append(("add", [label for label, _ in support]))
        return add(self, task_id, support)

    monkeypatch.setattr(Client, "create_task", creating)
    monkeypatch.setattr(Client, "add_examples", adding)
    return sent


def tasks(address: str) -> list[dict[str, Any]]:
    with Client(address) as client:
        listed = [
            client.connection.ask("GET", f"/v1/tasks?limit=500{more}").json() for more in ("", "&temporary=true")
        ]
    return [task for answer in listed for task in answer["items"]]


def test_it_is_kept_with_all_examples_under_the_folders_name(
    address: str,
    support: Path,
    small_parts: None,
    asked: list[tuple[str, list[str]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["teach", "--support", str(support), "--server", address]) == 0
    assert asked == [("create", ["a", "b"]), ("add", ["c/d", "a"]), ("add", ["c/d", "a"]), ("add", ["c/d", "a"])]
    told, last = capsys.readouterr().out.splitlines()
    assert "8 images of 3 classes" in told
    with Client(address) as client:
        task = client.task(last.removeprefix("task "))
        at_once = client.create_task(
            [(path.parent.relative_to(support).as_posix(), path) for path in support.rglob("*.png")]
        )
    assert (task["name"], task["expires_in"]) == ("letters", None)
    assert {one["label"]: one["examples"] for one in task["classes"]} == CLASSES
    assert task["estimate"] == at_once["estimate"]


def test_a_small_set_goes_in_one_request(
    address: str, support: Path, asked: list[tuple[str, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["teach", "--support", str(support), "--name", "mine", "--server", address]) == 0
    assert [(kind, len(labels)) for kind, labels in asked] == [("create", 8)]
    with Client(address) as client:
        assert client.task(capsys.readouterr().out.split()[-1])["name"] == "mine"


def test_of_one_that_fails_nothing_is_left(
    address: str, support: Path, small_parts: None, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tasks(address)
    write(support / "a" / "9.png", b"no image")
    assert main(["teach", "--support", str(support), "--server", address]) == 2
    assert "a/9.png is not a PNG" in capsys.readouterr().err
    assert tasks(address) == before


def test_one_that_is_stopped_lasts_no_longer_than_a_temporary_task(
    address: str, support: Path, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "add_examples", stopped)
    before = tasks(address)
    with pytest.raises(KeyboardInterrupt):
        teach.run(_options(address, support))
    assert tasks(address) == before

    def gone(*_: object) -> None:
        raise ServiceError("the line is down")

    monkeypatch.setattr(Client, "delete_task", gone)
    with pytest.raises(KeyboardInterrupt):
        teach.run(_options(address, support))
    (left,) = [task for task in tasks(address) if task not in before]
    assert left["expires_in"] is not None


def _options(address: str, support: Path) -> Any:
    return argparse.Namespace(support=support, server=address, name=None, model="auto")
