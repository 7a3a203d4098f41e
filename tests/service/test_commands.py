"""The command line: classify without a server, score with one."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from service.__main__ import main
from service.app import create_app
from service.client import Client, ServiceError
from service.settings import Settings
from tests.service.made_images import drawing, zipped
from tests.service.server_process import free_port
from tests.service.tiny_service import TINY, save_tiny


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    for seed in range(1, 5):
        write(root / "support" / ("é" if seed % 2 else "b/c") / f"{seed}.png", drawing(seed))
    for seed in range(5, 8):
        write(root / "query" / "deep" / f"{seed}.png", drawing(seed))
    write(root / "query" / ".hidden.png", b"")
    write(root / "query" / "notes.txt", b"")
    return root


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_classify(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_tiny(tmp_path / "initializations" / TINY)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    given = ["classify", "--support", str(folders / "support"), "--query", str(folders / "query")]
    assert main([*given, "--model", TINY, "--json", str(tmp_path / "answer.json")]) == 0
    answer = json.loads((tmp_path / "answer.json").read_text())
    table = capsys.readouterr().out.splitlines()
    assert [Path(one["filename"]).name for one in answer["predictions"]] == ["5.png", "6.png", "7.png"]
    assert set(answer["predictions"][0]["probabilities"]) == {"é", "b/c"}
    for line, one in zip(table[1:4], answer["predictions"], strict=True):
        assert one["filename"] in line
        assert f" {one['label']} " in line
    assert main([*given, "--model", "nothing"]) == 2
    assert "nothing" in capsys.readouterr().err
    assert main([*given[:-1], str(folders / "none")]) == 2
    assert "none is no folder" in capsys.readouterr().err


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data_dir = tmp_path_factory.mktemp("var")
    save_tiny(data_dir / "initializations" / TINY)
    port = free_port()
    config = uvicorn.Config(
        create_app(Settings(data_dir=data_dir)), host="127.0.0.1", port=port, log_level="error"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def task(address: str, folders: Path) -> str:
    with Client(address) as client:
        support = [("a", folders / "support" / "é" / "1.png"), ("b", folders / "support" / "b" / "c" / "2.png")]
        return str(client.create_task(support, name="two")["id"])


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


def test_client_deletes_tasks(address: str, folders: Path) -> None:
    with Client(address) as client:
        support = [(label, folders / "support" / "é" / "1.png") for label in "ab"]
        task = client.create_task(support)["id"]
        assert client.task(task)["classes"] == [{"label": label, "examples": 1} for label in "ab"]
        client.delete_task(task)
        with pytest.raises(ServiceError, match="404"):
            client.task(task)
