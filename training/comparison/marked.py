"""Marked places in Markdown documents, which are filled with what was measured."""

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from training.comparison.plan_reading import PlanError
from training.whole_file import write_whole

FOLDER = "comparison"  # beside the documents, for drawings
_OPEN = re.compile(r"<!-- measured: [\w-]+ -->\n")
_MARK = re.compile(r"(<!-- measured: (?P<name>[\w-]+) -->\n).*?(<!-- /measured -->)", re.DOTALL)


def fill_marked(path: Path, parts: Mapping[str, Callable[[], str]], drawings: Mapping[str, str]) -> None:
    """Put what was measured into every ``<!-- measured: NAME -->`` of a document.

    Args:
        path: of the document.
        parts: functions that return the text for each place, by name.
        drawings: SVG by name, which these texts show; they are written to a folder beside the document.

    Raises:
        PlanError: if ``check_marked`` refuses the document.
    """
    check_marked(path, parts)
    folder = path.parent / FOLDER
    folder.mkdir(exist_ok=True)
    for name, drawing in drawings.items():
        write_whole(folder / f"{name}.svg", drawing)
    write_whole(
        path, _MARK.sub(lambda found: found[1] + parts[found["name"]]() + found[3], path.read_text("utf-8"))
    )


def check_marked(path: Path, names: Collection[str]) -> None:
    """Check that a document exists and marks at least one place, and that each has an end and a known name.

    Raises:
        PlanError: if it does not.
    """
    if not path.is_file():
        raise PlanError(f"there is no document {path} to fill")
    text = path.read_text("utf-8")
    marked = [found["name"] for found in _MARK.finditer(text)]
    if unknown := sorted(set(marked) - set(names)):
        raise PlanError(f"{path} marks {unknown[0]!r}; there are {', '.join(names)}")
    opened = len(_OPEN.findall(text))
    if marked and opened != len(marked):  # an unclosed place would swallow the text up to the next end
        raise PlanError(
            f"{path} begins {opened} marked places and ends {len(marked)}: write <!-- /measured --> behind each"
        )
    if not marked:
        first = next(iter(names))
        raise PlanError(
            f"{path} marks no place: write <!-- measured: {first} --> and <!-- /measured --> on lines"
        )
