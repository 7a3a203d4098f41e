"""BentoML reports nothing to its makers, wherever the project starts it or says how to."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_commands_that_are_told_to_users_keep_it_quiet() -> None:
    told = [path.read_text() for path in (ROOT / "Makefile", ROOT / "README.md", *(ROOT / "docs").glob("*.md"))]
    commands = re.findall(r"^.*bin/bentoml .*$|^.*\$\(BIN\)/bentoml .*$", "\n".join(told), re.MULTILINE)
    assert len(commands) == 3
    assert all("BENTOML_DO_NOT_TRACK=true" in command for command in commands)


def test_containers_keep_it_quiet() -> None:
    packed = yaml.safe_load((ROOT / "bentofile.yaml").read_text())
    assert {"name": "BENTOML_DO_NOT_TRACK", "value": "true"} in packed["envs"]
