"""Labels and file names, from callers who may mean harm."""

import unicodedata

import pytest

from service.problems import Problem
from service.uploads.labels import clean_label, one_line, printable

MARKS = "\u0301\u0316"  # in canonical order the other way round


def test_canonical_unicode_without_blanks() -> None:
    assert clean_label("  e\u0301 ", field="labels") == "é"
    spelled_at_length = "\u03b1\u0313\u0300\u0345" * 100
    assert len(clean_label(spelled_at_length, field="labels")) == 100


def test_what_is_far_too_long_is_not_put_in_order_first(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = [0]
    normalize = unicodedata.normalize

    def watched(form: str, text: str) -> str:
        lengths.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", watched)
    for text in ("a" + MARKS * 2000, "a" + " " * 3000 + "b"):
        with pytest.raises(Problem, match="characters, 100 are allowed"):
            clean_label(text, field="labels")
    assert max(lengths) <= 400


def test_a_too_long_label_is_told_by_its_beginning() -> None:
    with pytest.raises(Problem) as raised:
        clean_label("red kites on their way up\n " + "x" * 100, field="labels")
    assert raised.value.detail == (
        "the label 'red kites on their way up\ufffd xxx'... has 127 characters, 100 are allowed"
    )


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("red\tkites", "'red\ufffdkites' holds control characters or line breaks; leave them out"),
        ("x\n" * 20, "'" + "x\ufffd" * 15 + "'... holds control characters or line breaks; leave them out"),
        (" \u200b ", "is blank; give it a character that shows"),
        (None, "is missing; give one"),
        (3, "is not a text; put it in quotes"),
    ],
)
def test_a_refusal_tells_which_label_and_what_to_do(label: object, told: str) -> None:
    with pytest.raises(Problem) as raised:
        clean_label(label, field="labels", file="1.png")
    assert raised.value.detail.startswith(f"the label {told}")
    assert (raised.value.field, raised.value.file) == ("labels", "1.png")


def test_names_stay_one_line_and_none_is_endless() -> None:
    assert one_line("a\u2028b\x85c\nd\udc80e 日本.png") == "a�b�c�d�e 日本.png"
    assert printable("x" * 300 + "\n.png") == "x" * 250 + "�.png"


@pytest.mark.parametrize("label", [".", "..", " .. ", "a/..", "../a", "a/../b", "a/./b", "./a"])
def test_a_label_is_no_way_to_another_address(label: str) -> None:
    with pytest.raises(Problem, match=r"has a part '\.' or '\.\.'") as caught:
        clean_label(label, field="labels", file="1.png")
    assert (caught.value.status, caught.value.title) == (422, "Unusable label")
    assert (caught.value.field, caught.value.file) == ("labels", "1.png")


@pytest.mark.parametrize("label", ["...", ".a", "a.", "a..b", "a/b", "v1.0/x", "a /.. b"])
def test_points_within_a_name_are_fine(label: str) -> None:
    assert clean_label(label, field="labels") == label


def test_what_is_far_too_long_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []
    category = unicodedata.category
    monkeypatch.setattr(unicodedata, "category", lambda one: looked_at.append(one) or category(one))
    with pytest.raises(Problem, match="has 50000 characters, 100 are allowed"):
        clean_label("\u200b" * 50_000, field="labels")
    assert len(looked_at) <= 100
