"""What the cards of initializations may hold: whatever it is, the others stay on offer."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from models.initialization import CARD
from service.app import create_app
from service.settings import Settings
from tests.service.tiny_service import TINY, save_tiny


def offered(data_dir: Path, text: str) -> dict[str, dict[str, object]]:
    """The cards on offer by name, where that of ``odd`` has one more member of a JSON text."""
    for name in (TINY, "odd"):
        save_tiny(data_dir / "initializations" / name, name=name)
    card = data_dir / "initializations" / "odd" / CARD
    card.write_text(card.read_text().rstrip().removesuffix("}") + f', "odd": {text}}}')
    with TestClient(create_app(Settings(data_dir=data_dir))) as client:
        answer = client.get("/v1/models")
    assert answer.status_code == 200, answer.text
    return {one["name"]: one["card"] for one in answer.json()["items"]}


def test_names_that_are_no_utf8_are_shown_with_a_sign_for_each_byte(tmp_path: Path) -> None:
    cards = offered(tmp_path, json.dumps({"groups\udce9": ["gr\udce9", "日本", 0.5, None, True, "two\nlines"]}))
    assert cards["odd"]["odd"] == {"groups?": ["gr?", "日本", 0.5, None, True, "two\nlines"]}
    assert cards[TINY]["description"] == "untrained, for tests"


@pytest.mark.parametrize("text", ["1" * 4000, "NaN", "Infinity"])
def test_odd_values_spoil_nothing(tmp_path: Path, text: str) -> None:
    assert TINY in offered(tmp_path, text)


@pytest.mark.parametrize("text", ["1" * 5000, "[" * 100_000])
def test_a_card_that_cannot_be_read_is_left_out(tmp_path: Path, text: str) -> None:
    assert offered(tmp_path, text).keys() == {TINY}
