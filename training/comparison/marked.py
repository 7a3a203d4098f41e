"""Marked places of Markdown documents, which hold what was measured."""

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
        parts: what goes there, by name.
        drawings: that these show, SVG by name; they go into a folder beside the document.

    Raises:
        PlanError: where the document is not there, or marks something that is not measured.
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
    """See that a document is there, and that it marks places for what is measured and for nothing else.

    Raises:
        PlanError: where it is not so.
    """
    if not path.is_file():
        raise PlanError(f"there is no document {path} to fill")
    text = path.read_text("utf-8")
    marked = [found["name"] for found in _MARK.finditer(text)]
    if unknown := sorted(set(marked) - set(names)):
        raise PlanError(f"{path} marks {unknown[0]!r}; there are {', '.join(names)}")
    opened = len(_OPEN.findall(text))
    if marked and opened != len(marked):  # what lies between two of them would be taken for the first one's
        raise PlanError(
            f"{path} begins {opened} marked places and ends {len(marked)}: write <!-- /measured --> behind each"
        )
    if not marked:
        first = next(iter(names))
        raise PlanError(
            f"{path} marks no place: write <!-- measured: {first} --> and <!-- /measured --> on lines"
        )
