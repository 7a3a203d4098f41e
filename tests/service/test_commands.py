"""The command line: classify without a server, teach and score with one."""

import json
from pathlib import Path

import pytest

from service.__main__ import main
from service.client import Client, ServiceError
from tests.service.made_images import drawing, write
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
    assert "none does not exist" in capsys.readouterr().err


def test_teach(address: str, folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["teach", "--support", str(folders / "support"), "--name", "two", "--server", address]
    assert main(given) == 0
    told, last = capsys.readouterr().out.splitlines()
    assert "4 images of 2 classes, by tiny" in told
    with Client(address) as client:
        task = client.task(last.removeprefix("task "))
    assert task["name"] == "two"
    assert task["classes"] == [{"label": "b/c", "examples": 2}, {"label": "é", "examples": 2}]
    assert main([*given, "--model", "nothing"]) == 2
    assert "nothing" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["teach", "classify"])
def test_a_folder_whose_name_is_no_label_is_an_error_of_one_line(
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    for name in ("a", " .."):  # labels are taken without blanks around them
        write(tmp_path / "support" / name / "1.png", drawing(1))
    how = {"teach": ["--server", address], "classify": ["--query", str(tmp_path / "support")]}[command]
    assert main([command, "--support", str(tmp_path / "support"), *how]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "the label '..' has a part" in line
    assert "another name" in line


def test_what_the_system_refuses_is_an_error_of_one_line(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_tiny(tmp_path / "initializations" / TINY)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    given = ["classify", "--support", str(folders / "support"), "--query", str(folders / "query")]
    assert main([*given, "--model", TINY, "--json", str(tmp_path / "no folder" / "answer.json")]) == 2
    assert "no folder" in capsys.readouterr().err


def test_teach_tells_which_of_several_files_of_a_name_is_at_fault(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, label in enumerate(("a", "b", "ü/c")):
        write(tmp_path / label / "1.png", drawing(seed))
    assert main(["teach", "--support", str(tmp_path), "--server", address]) == 0
    write(tmp_path / "ü" / "c" / "1.png", b"no image")
    assert main(["teach", "--support", str(tmp_path), "--server", address]) == 2
    assert "422: ü/c/1.png is not a PNG" in capsys.readouterr().err


def test_client_deletes_tasks(address: str, folders: Path) -> None:
    with Client(address) as client:
        support = [(label, folders / "support" / "é" / "1.png") for label in "ab"]
        task = client.create_task(support)["id"]
        assert client.task(task)["classes"] == [{"label": label, "examples": 1} for label in "ab"]
        client.delete_task(task)
        with pytest.raises(ServiceError, match="404"):
            client.task(task)


@pytest.mark.parametrize(
    "server",
    ["http://[::bad", "http://x\n", "127.0.0.1:3000", "localhost:3000", "ftp://127.0.0.1:3000", "http://"],
)
def test_a_malformed_address_is_an_error_of_one_line(
    folders: Path, capsys: pytest.CaptureFixture[str], server: str
) -> None:
    assert main(["teach", "--support", str(folders / "support"), "--server", server]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no address of a server" in line
