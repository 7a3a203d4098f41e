"""``score``: any number of images in parts, and on after a break."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from service.__main__ import main
from service.client import Client, Unreachable
from service.client.connection import Connection
from service.commands import score
from service.commands.parts import in_parts
from tests.service.made_images import drawing, write, zipped
from tests.service.server_process import free_port

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    for seed in range(1, 3):
        write(root / "support" / f"{seed}.png", drawing(seed))
    for seed in range(5, 8):
        write(root / "query" / "deep" / f"{seed}.png", drawing(seed))
    return root


@pytest.fixture
def task(address: str, folders: Path) -> str:
    with Client(address) as client:
        support = [("a", folders / "support" / "1.png"), ("b", folders / "support" / "2.png")]
        return str(client.create_task(support, name="two")["id"])


@pytest.fixture
def asked(address: str, task: str, folders: Path) -> list[str]:
    """The command that scores all queries, but for its output."""
    return ["score", "--task", task, "--input", str(folders / "query"), "--server", address]


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the images of each job that is begun; an image is a part of its own."""
    begun: list[str] = []
    start = Client.start_job

    def noted(self: Client, task_id: str, archive: Path, **options: Any) -> dict[str, Any]:
        begun.append(archive.name)
        return start(self, task_id, archive, **options)

    monkeypatch.setattr(Client, "start_job", noted)
    monkeypatch.setattr(score, "in_parts", lambda root, files: in_parts(root, files, images=1))
    return begun


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_score_a_folder(address: str, task: str, folders: Path, tmp_path: Path, ending: str) -> None:
    output = tmp_path / f"scores.{ending}"
    given = ["score", "--task", task, "--input", str(folders / "query"), "--server", address]
    assert main([*given, "--output", str(output)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [output.name]
    if ending == "jsonl":
        rows = [json.loads(line) for line in output.read_text().splitlines()]
        files = [folders / "query" / "deep" / f"{seed}.png" for seed in (5, 6, 7)]
        with Client(address) as client:
            direct = client.classify(task, files)
        assert [row["filename"] for row in rows] == [f"deep/{one['filename']}" for one in direct]
        assert [row["probabilities"] for row in rows] == [one["probabilities"] for one in direct]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_names_lead_back_to_the_files(address: str, task: str, tmp_path: Path, ending: str) -> None:
    names = ["a\t.png", "a\n.png", "a/\x7f.png"]
    for seed, name in enumerate(names):
        write(tmp_path / "in" / name, drawing(seed))
    write(tmp_path / "in" / "b\r.png", b"no image")
    output = tmp_path / f"o.{ending}"
    given = ["score", "--task", task, "--input", str(tmp_path / "in"), "--output", str(output)]
    assert main([*given, "--server", address]) == 0
    if ending == "jsonl":
        told = [json.loads(line)["filename"] for line in output.read_text().splitlines()]
    elif ending == "csv":
        with output.open(newline="", encoding="utf-8") as file:
            told = [row["filename"] for row in csv.DictReader(file)]
    else:
        told = pyarrow.parquet.read_table(output)["filename"].to_pylist()
    assert sorted(told) == sorted([*names, "b\r.png"])


def test_score_an_archive_and_a_single_image(address: str, task: str, folders: Path, tmp_path: Path) -> None:
    write(tmp_path / "two.zip", zipped({"x.png": drawing(8), "y.png": drawing(9)}))
    for given, names in (
        (tmp_path / "two.zip", ["x.png", "y.png"]),
        (folders / "query" / "deep" / "5.png", ["5.png"]),
    ):
        arguments = ["score", "--task", task, "--input", str(given), "--output", str(tmp_path / "o.jsonl")]
        assert main([*arguments, "--server", address]) == 0
        rows = (tmp_path / "o.jsonl").read_text().splitlines()
        assert [json.loads(row)["filename"] for row in rows] == names


def test_what_cannot_be_scored_leaves_no_output(
    address: str, task: str, folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query, nowhere = str(folders / "query"), f"http://127.0.0.1:{free_port()}"
    for server, task_id, given, name, reason in (
        (address, "unknown", query, "o.csv", "there is no task 'unknown'"),
        (address, task, query, "o.txt", "ends in none of"),
        (address, task, str(tmp_path / "missing"), "o.csv", "missing does not exist"),
        (nowhere, task, query, "o.csv", "python -m service serve"),
    ):
        arguments = ["score", "--task", task_id, "--input", given, "--output", str(tmp_path / name)]
        assert main([*arguments, "--server", server]) == 2
        assert reason in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_a_folder_is_told_before_anything_is_sent(
    asked: list[str], tmp_path: Path, jobs: list[str], capsys: Capture
) -> None:
    (tmp_path / "o.csv").mkdir()
    assert main([*asked, "--output", str(tmp_path / "o.csv")]) == 2
    assert "o.csv is a folder" in capsys.readouterr().err
    assert jobs == []


def test_after_a_break_what_has_answers_is_not_asked_again(
    address: str,
    asked: list[str],
    tmp_path: Path,
    jobs: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    follow = Client.follow_job

    def broken(self: Client, job_id: str) -> Iterator[dict[str, Any]]:
        if len(jobs) == 2:
            raise KeyboardInterrupt
        return follow(self, job_id)

    with monkeypatch.context() as patch:
        patch.setattr(Client, "follow_job", broken)
        assert main([*asked, "--output", str(tmp_path / "o.jsonl")]) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [".o.jsonl.parts"]
    assert len(jobs) == 2
    assert main([*asked, "--output", str(tmp_path / "o.jsonl")]) == 0
    assert len(jobs) == 4  # the one that was broken off, and the third
    rows = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert [row["filename"] for row in rows] == ["deep/5.png", "deep/6.png", "deep/7.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["o.jsonl"]
    with Client(address) as client:
        assert client.connection.ask("GET", "/v1/jobs").json()["items"] == []


def test_a_task_that_is_changed_meanwhile_answers_no_more(
    asked: list[str], tmp_path: Path, jobs: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    show = Client.task

    def changed(self: Client, task_id: str, **options: bool) -> dict[str, Any]:
        found = show(self, task_id, **options)
        return {**found, "version": found["version"] + (len(jobs) == 2)}

    with monkeypatch.context() as patch:
        patch.setattr(Client, "task", changed)
        assert main([*asked, "--output", str(tmp_path / "o.csv")]) == 2
    told = capsys.readouterr().err
    assert "has been changed meanwhile: run the same command again" in told
    assert "answers so far are kept" not in told
    assert list(tmp_path.iterdir()) == []


def test_two_commands_do_not_share_an_output(
    asked: list[str], tmp_path: Path, jobs: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    output = ["--output", str(tmp_path / "o.csv")]
    start, second = Client.start_job, []

    def begun_twice(self: Client, task_id: str, archive: Path, **options: Any) -> dict[str, Any]:
        if not second:
            second.append(True)
            second.append(main([*asked, *output]))
        return start(self, task_id, archive, **options)

    monkeypatch.setattr(Client, "start_job", begun_twice)
    assert main([*asked, *output]) == 0
    assert second == [True, 2]
    assert "writes the same output" in capsys.readouterr().err


def test_results_that_are_cut_short_do_not_pass_for_a_finished_part(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Connection.stream

    def cut_short(self: Connection, path: str, params: dict[str, str], target: Path) -> None:
        stream(self, path, params, target)
        first, *_ = target.read_text().splitlines(keepends=True)
        target.write_text(first)
        raise KeyboardInterrupt

    output = tmp_path / "o.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "stream", cut_short)
        assert main([*asked, "--output", str(output)]) == 130
    assert main([*asked, "--output", str(output)]) == 0
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert [row["filename"] for row in rows] == ["deep/5.png", "deep/6.png", "deep/7.png"]


def test_a_break_between_two_questions_about_a_part_costs_nothing(
    asked: list[str], tmp_path: Path, jobs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, broken = Connection.ask, []

    def asked_once_in_vain(self: Connection, method: str, path: str, **options: Any) -> Any:
        if len(jobs) == 2 and "/tasks/" in path and method == "GET" and not broken:
            broken.append(path)
            raise Unreachable("no answer")
        return ask(self, method, path, **options)

    monkeypatch.setattr(Connection, "ask", asked_once_in_vain)
    assert main([*asked, "--output", str(tmp_path / "o.csv")]) == 0
    assert broken
    assert len(jobs) == 3


def test_how_readily_images_are_told_unknown(address: str, task: str, folders: Path, tmp_path: Path) -> None:
    given = ["score", "--task", task, "--input", str(folders / "query"), "--output", str(tmp_path / "o.jsonl")]
    with Client(address) as client:
        files = [folders / "query" / "deep" / f"{seed}.png" for seed in (5, 6, 7)]
        told = {}
        for keep_known in ("0.5", "0.99"):
            assert main([*given, "--server", address, "--keep-known", keep_known]) == 0
            rows = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
            direct = client.classify(task, files, keep_known=float(keep_known))
            told[keep_known] = [row["unknown"] for row in rows]
            assert told[keep_known] == [one["unknown"] for one in direct]
    assert main([*given, "--server", address, "--keep-known", "2"]) == 2


def test_files_that_cannot_be_read_are_told_before_anything_is_sent(
    asked: list[str],
    folders: Path,
    tmp_path: Path,
    jobs: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    closed = {folders / "query" / "deep" / f"{seed}.png" for seed in (6, 7)}
    monkeypatch.setattr(os, "access", lambda path, mode: path not in closed)  # nothing is closed to root
    assert main([*asked, "--output", str(tmp_path / "o.csv")]) == 2
    told = capsys.readouterr().err
    assert f"{min(closed)} and 1 more cannot be read; allow it" in told
    assert jobs == []


@pytest.mark.parametrize("name", [b"\xff.png", b"x\\y.png", b".hidden.png"])
def test_a_name_that_no_archive_can_hold_is_told_before_anything_is_sent(
    asked: list[str], tmp_path: Path, jobs: list[str], capsys: Capture, name: bytes
) -> None:
    write(tmp_path / "in" / "0.png", drawing(4))
    write(tmp_path / "in" / os.fsdecode(name), drawing(4))
    named = tmp_path / "in" / os.fsdecode(name)
    for given in (
        [named] if name.startswith(b".") else [named.parent, named]
    ):  # a folder's hidden files are left out
        assert main([*asked, "--input", str(given), "--output", str(tmp_path / "o.csv")]) == 2
        assert "rename the file" in capsys.readouterr().err
    assert jobs == []
