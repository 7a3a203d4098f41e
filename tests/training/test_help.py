"""What the commands say of themselves."""

from pathlib import Path

import pytest

from training.__main__ import main

ROOT = Path(__file__).parents[2]


def helped(capsys, *command):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("command", "defaults"),
    [
        (
            "evaluate",
            {"split": "validation", "ways": 5, "shots": 1, "queries": 5, "episodes": 1000, "seed": 0}
            | {"strangers": 5, "keep-known": 0.95, "inner-steps": "the learner's own"},
        ),
        (
            "curves",
            {"queries": 10, "episodes": 600, "shots": "1 2 5 10", "steps": "1 2 5 10", "split": "validation"},
        ),
        ("mistakes", {"ways": 5, "shots": 1, "pairs": 10, "episodes": 1000}),
        ("mislabelled", {"ways": 5, "shots": 5, "queries": 5, "episodes": 1000}),
        (
            "auto",
            {"split": "validation", "ways": 5, "shots": "1 5", "episodes": 200, "seed": 0, "looks": "as-is"},
        ),
        ("tune", {"trials": 20, "unpruned": 5, "seed": 0}),
    ],
)
def test_defaults_are_told(command, defaults, capsys):
    told = helped(capsys, command).partition(" options: ")[2]
    for option, default in defaults.items():
        of_option = told.partition(f" --{option} ")[2].partition(" --")[0]
        assert f"(default: {default})" in of_option, option


def test_the_commands_are_told_in_plain_text(capsys):
    told = helped(capsys)
    assert "`" not in told
    assert "COMMAND train meta-train by a recipe" in told


def test_recipes_are_listed_a_line_each_as_they_are_given(monkeypatch, capsys, tmp_path):
    recipes = sorted((ROOT / "training" / "recipes").glob("*.yaml"))
    monkeypatch.setattr("training.commands.listing.shipped", dict)
    monkeypatch.setattr("training.commands.listing.published", list)
    monkeypatch.chdir(ROOT)
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["recipes:", *(f"  training/recipes/{path.name}" for path in recipes)]
    monkeypatch.chdir(tmp_path)
    assert main(["list"]) == 0
    assert capsys.readouterr().out.splitlines() == ["recipes:", *(f"  {path}" for path in recipes)]
