"""Commands that README and docs tell are ones that the project takes, and what their links name is there."""

import argparse
import inspect
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest

from service.commands import command_line as of_service
from training.commands import command_line as of_training
from training.recipe_reading import read_recipe

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINES = {"training": of_training, "service": of_service}


def told_commands() -> dict[str, tuple[str, list[str]]]:
    """Each command of a block for the shell: whose it is, and its arguments."""
    found = {}
    for document in DOCUMENTS:
        for block in BLOCK.findall(document.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                if match := re.search(r"-m (training|service) (.+)", line):
                    found[" ".join(match[0].split())] = (match[1], shlex.split(match[2], comments=True))
    return found


def parser_of(line: ModuleType) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for one in vars(line).values():
        if inspect.ismodule(one) and hasattr(one, "add"):
            one.add(commands)
    return parser


@pytest.mark.parametrize(("whose", "arguments"), told_commands().values(), ids=list(told_commands()))
def test_a_command_is_taken_and_so_are_the_values_that_it_sets(whose: str, arguments: list[str]) -> None:
    options = parser_of(LINES[whose]).parse_args(arguments)
    recipe = getattr(options, "recipe", None)
    if recipe is not None and recipe.parts[0] == "training":
        read_recipe(ROOT / recipe, options.set)


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_link_leads_to_what_is_there(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)\s]*)\)", BLOCK.sub("", document.read_text()))
    for name, _, anchor in (link.partition("#") for link in links):
        target = document.parent / name if name else document
        assert target.exists(), name
        assert not anchor or anchor in anchors(target), f"{name}#{anchor}"
