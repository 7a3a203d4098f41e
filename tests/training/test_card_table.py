"""The table of a card says so where its validation classes were too easy to tell how sure answers may be."""

import json

import pytest

from models.initialization import CARD, shipped
from training.commands.table import card_table

CAUTION = "hardly an answer was wrong"


def card(name="characters"):
    return json.loads((shipped()[name] / CARD).read_text())


@pytest.mark.parametrize("name", ["characters", "photos"])
def test_no_caution_for_what_ships(name):
    assert CAUTION not in card_table(card(name))


def test_a_caution_where_hardly_an_answer_was_wrong():
    easy = card()
    for row in easy["evaluation"]:
        row["accuracy"] = 1.0
    assert CAUTION in card_table(easy)


def test_no_caution_where_some_tasks_were_hard():
    mixed = card()
    for row in mixed["evaluation"][1:]:
        row["accuracy"] = 1.0
    assert CAUTION not in card_table(mixed)
