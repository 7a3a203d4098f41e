"""Who may import whom: training and service meet in models alone, and serving needs what its requirements pin."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.app import VERSION

ROOT = Path(__file__).parents[1]
FOLDERS = ("models", "service", "training")
PACKAGES = {"PIL": "pillow", "yaml": "pyyaml"}  # by modules that are called otherwise


def test_the_service_tells_the_projects_version() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


CLIENT = ROOT / "service" / "client"  # users copy it, so its files import each other by relative names


def imported(file: Path) -> Iterator[str]:
    """Names of all modules that a file imports, at its top or within a function."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            if file.parent == CLIENT:
                assert node.level < 2, f"{file}: beyond the folder, what users copy would lack"
            else:
                assert node.level == 0, f"{file}: imports are absolute here"
            yield f"service.client.{node.module}" if node.level else node.module


def of_folder(folder: str) -> dict[str, str]:
    """The first parts of what a folder's files import, each with a file that does."""
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    return {name.partition(".")[0]: str(file.relative_to(ROOT)) for file in files for name in imported(file)}


@pytest.mark.parametrize(
    ("folder", "others"),
    [("models", ("service", "training")), ("service", ("training",)), ("training", ("service",))],
)
def test_training_and_service_never_import_each_other_and_models_imports_neither(
    folder: str, others: tuple[str, ...]
) -> None:
    found = of_folder(folder)
    assert {other: found[other] for other in (*others, "tests", "benchmarks") if other in found} == {}


@pytest.mark.parametrize(
    ("folder", "user"),
    [
        ("models/kernels", "models.backbones"),
        ("service/uploads", "service.registry"),
        ("service/uploads", "service.store"),
        ("training/outer", "training.run"),
    ],
)
def test_no_folder_imports_what_is_built_on_it(folder: str, user: str) -> None:
    names = [name for file in (ROOT / folder).rglob("*.py") for name in imported(file)]
    assert [name for name in names if name == user or name.startswith(f"{user}.")] == []


def test_the_client_can_be_copied_into_another_project(tmp_path: Path) -> None:
    shutil.copytree(CLIENT, tmp_path / "theirs", ignore=shutil.ignore_patterns("__pycache__"))
    program = "import sys, theirs; print(*{name.partition('.')[0] for name in sys.modules})"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert {"theirs", "httpx"} <= set(found.stdout.split())
    assert not {"service", "models", "training"} & set(found.stdout.split())
    needed = {name.partition(".")[0] for file in CLIENT.glob("*.py") for name in imported(file)}
    assert needed - sys.stdlib_module_names == {"httpx", "service"}


def test_a_recipe_needs_no_part_of_training_that_reads_it() -> None:
    names = {name for file in (ROOT / "training").glob("recipe*.py") for name in imported(file)}
    assert {name for name in names if name.startswith("training.") and name.count(".") > 1} == set()


def test_all_that_serving_imports_is_pinned() -> None:
    requirements = (ROOT / "requirements" / "serve.txt").read_text()
    pinned = {name.lower() for name in re.findall(r"^([\w-]+)==", requirements, re.MULTILINE)}
    needed = of_folder("service") | of_folder("models")
    others = {name: file for name, file in needed.items() if name not in {*sys.stdlib_module_names, *FOLDERS}}
    assert {
        name: file
        for name, file in others.items()
        if PACKAGES.get(name, name.replace("_", "-").lower()) not in pinned
    } == {}
