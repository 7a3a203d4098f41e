"""What README and the page tell of the shipped initializations is what their cards say."""

import json
import re
from pathlib import Path

import pytest

from models.initialization import CARD, shipped

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| (characters|photos), (.+?) \|(.+)\|$", re.MULTILINE)
SIZE = re.compile(r"(\d+)-way (\d+)-shot")


def card_rows(name):
    rows = json.loads((shipped()[name] / CARD).read_text())["evaluation"]
    return {(one["ways"], one["shots"], one["within_group"], one.get("same_drawers", False)): one for one in rows}


def told_rows():
    """README's rows of accuracy: initialization, size of the tasks, and the figures of each."""
    found, ways, shots = [], 0, 0
    for name, tasks, figures in ROW.findall((ROOT / "README.md").read_text()):
        if size := SIZE.search(tasks):
            ways, shots = map(int, size.groups())
        drawers = "same drawers" in tasks
        within = drawers or "within one alphabet" in tasks
        found.append((name, (ways, shots, within, drawers), [one.strip() for one in figures.split("|")[:5]]))
    return found


@pytest.mark.parametrize(("name", "size", "figures"), told_rows())
def test_readme_tells_what_the_card_says(name, size, figures):
    row = card_rows(name)[size]
    unknown = row["unknown"]
    assert figures == [
        f"{100 * row['accuracy']:.2f} ± {100 * row['interval']:.2f}",
        f"{100 * row['calibration_error']:.2f} %",
        f"{unknown['auroc']:.3f}",
        f"{100 * unknown['flagged']:.1f} %",
        f"{100 * row['estimate']['coverage']:.1f} %",
    ]


def test_readme_tells_of_all_rows():
    assert sorted((name, size) for name, size, _ in told_rows()) == sorted(
        (name, size) for name in shipped() for size in card_rows(name)
    )


def test_the_page_advises_by_the_accuracies_of_photos():
    text = (ROOT / "service" / "page" / "texts.js").read_text()
    told = re.search(r"photos of five classes, five images of each.+from (\d+)% to (\d+)%", text)
    assert told is not None
    rows = card_rows("photos")
    one, five = (100 * rows[5, shots, False, False]["accuracy"] for shots in (1, 5))
    assert [int(share) for share in told.groups()] == [round(one), round(five)]
