"""The page's modules in Node, on a small document and a small service: what no picture of the page shows."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "page_in_node"
OLDEST = (20, 19)  # the first that takes a .js file with imports for a module
NODE = shutil.which("node")


def _version() -> tuple[int, ...]:
    if NODE is None:
        return (0,)
    stated = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.findall(r"\d+", stated)[:2]))


@pytest.mark.skipif(_version() < OLDEST, reason="there is no Node.js of version 20.19 or newer")
@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.test.mjs")), ids=lambda file: file.name.split(".")[0])
def test_page_in_node(file: Path) -> None:
    assert NODE is not None
    run = subprocess.run([NODE, "--test", file], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
