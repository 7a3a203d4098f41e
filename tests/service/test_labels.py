"""Labels and file names, from callers who may mean harm."""

import unicodedata

import pytest

from service.problems import Problem
from service.uploads.labels import clean_text, one_line, printable

MARKS = "\u0301\u0316"  # in canonical order the other way round


def test_canonical_unicode_without_blanks() -> None:
    assert clean_text("  e\u0301 ", field="labels") == "é"
    spelled_at_length = "\u03b1\u0313\u0300\u0345" * 100
    assert len(clean_text(spelled_at_length, field="labels")) == 100


def test_what_is_far_too_long_is_not_put_in_order_first(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = [0]
    normalize = unicodedata.normalize

    def watched(form: str, text: str) -> str:
        lengths.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", watched)
    for text in ("a" + MARKS * 2000, "a" + " " * 3000 + "b"):
        with pytest.raises(Problem, match="characters, 100 are allowed"):
            clean_text(text, field="labels")
    assert max(lengths) <= 400


def test_names_stay_one_line_and_none_is_endless() -> None:
    assert one_line("a\u2028b\x85c\nd\udc80e 日本.png") == "a�b�c�d�e 日本.png"
    assert printable("x" * 300 + "\n.png") == "x" * 250 + "�.png"
