"""The command: options that cannot be are refused, and former results stay."""

import json

import pytest

from benchmarks import __main__ as command
from benchmarks.parts import Part
from benchmarks.report import Row


@pytest.fixture(autouse=True)
def one_part(monkeypatch):
    part = Part("a part", lambda bench: [Row("a row", "s", "nobody", ours=float(bench.rounds))])
    monkeypatch.setattr(command, "PARTS", (part,))
    monkeypatch.setattr(command.machine, "described", lambda: {})
    monkeypatch.setattr(command.machine, "peaks", lambda: {})
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--rounds", "0"], "--rounds must be at least 1"),
        (["--turn", "0"], "--turn a number of seconds above 0"),
        (["--turn", "nan"], "--turn a number of seconds above 0"),
        (["--only", "nothing"], "no part has"),
        (["--out", __file__], "is a file"),
    ],
)
def test_faults_are_one_line_that_says_what_to_do(given, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--out", str(tmp_path / "out"), *given])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_former_results_stay_beside_new_ones(tmp_path):
    for rounds in (1, 2):
        assert command.main(["--out", str(tmp_path), "--rounds", str(rounds)]) == 0
    kept = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("benchmarks-*.json"))]
    assert [one["rounds"] for one in kept] == [1]
    assert json.loads((tmp_path / "benchmarks.json").read_text())["rounds"] == 2
    assert len(list(tmp_path.glob("benchmarks-*.md"))) == 1
