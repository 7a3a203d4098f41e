"""The page's modules in Node, on a small document and a small service: what no picture of the page shows."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from service.results import stream

FOLDER = Path(__file__).parent / "page_in_node"
OLDEST = (20, 19)  # the first that takes a .js file with imports for a module
NODE = shutil.which("node")


def _version() -> tuple[int, ...]:
    if NODE is None:
        return (0,)
    stated = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.findall(r"\d+", stated)[:2]))


pytestmark = pytest.mark.skipif(_version() < OLDEST, reason="there is no Node.js of version 20.19 or newer")


def _node(*arguments: str | Path) -> str:
    assert NODE is not None
    run = subprocess.run([NODE, *arguments], capture_output=True, check=False)
    assert run.returncode == 0, (run.stdout + run.stderr).decode()
    return run.stdout.decode()


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.test.mjs")), ids=lambda file: file.name.split(".")[0])
def test_page_in_node(file: Path) -> None:
    _node(file)  # which is not started by another process, as --test would


def test_saved_answers_are_the_csv_of_a_job() -> None:
    found = (("=1+1", 0.875), ("é", 0.75), ("é", 0.625))
    nearest = [{"label": label, "similarity": similarity, "filename": "a.png"} for label, similarity in found]
    shares = {'ring, "round"': 0.25, "=1+1": 0.625, "é": 0.125}
    answer = {
        "label": "=1+1",
        "probability": 0.625,
        "probabilities": shares,
        "unknown": False,
        "nearest": nearest,
    }
    rows = [
        {"filename": "@cat.png", **answer},
        {"filename": "two\nlines.png", **answer, "unknown": True, "nearest": []},
        {"filename": "broken, really.png", "error": "-1 bytes"},
    ]
    queries = [
        {
            "file": {"name": row["filename"]},
            "prediction": row if "label" in row else None,
            "problem": row.get("error", ""),
        }
        for row in rows
    ]
    module = (Path(__file__).parents[2] / "service" / "page" / "answers-csv.js").as_uri()
    script = f"import {{ answersCsv }} from {json.dumps(module)};"
    script += f"process.stdout.write(answersCsv({json.dumps(queries)}));"
    saved = _node("--input-type=module", "--eval", script)
    assert saved.startswith("\ufeff"), "or Excel misreads what is not ASCII"
    of_job = b"".join(stream(rows, list(shares), "csv")).decode()
    assert saved[1:] == of_job
