"""Cells of a table that a spreadsheet would take for formulas."""

import csv
import io

import pytest

from service.results import stream


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])  # noqa: RUF001 - they count
def test_text_that_begins_like_a_formula_gets_an_apostrophe(sign: str) -> None:
    text = f"{sign}1"
    rows = [{"filename": text, "label": text, "nearest": [{"label": text}], "error": text}]
    written = b"".join(stream(rows, [], "csv")).decode()
    (row,) = csv.DictReader(io.StringIO(written, newline=""))
    assert {row[name] for name in ("filename", "label", "nearest_label", "error")} == {f"'{text}"}


def test_numbers_and_other_text_stay_as_they_are() -> None:
    nearest = [{"label": label, "similarity": place} for label, place in (("é", -0.5), ("b", -0.6), ("c", -0.7))]
    rows = [{"filename": "a=1", "label": "é", "probability": 0.5, "nearest": nearest}]
    (row,) = csv.DictReader(io.StringIO(b"".join(stream(rows, [], "csv")).decode(), newline=""))
    assert (row["filename"], row["label"], row["probability"]) == ("a=1", "é", "0.5")
    assert (row["nearest_label"], row["nearest_similarity"]) == ("é", "-0.5")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a;=1", "a;'=1"),
        ("a\t@b;-c;d", "a\t'@b;'-c;d"),
        ('a;"=1"', 'a;\'"=1"'),
        ("a; b\tc;", "a; b\tc;"),
        ("a-b=c", "a-b=c"),
    ],
)
def test_text_that_another_separator_would_make_a_formula_gets_an_apostrophe(text: str, written: str) -> None:
    row = {"filename": text, "label": text, "probabilities": {text: 1.0}, "nearest": [{"label": text}]}
    for rows in ([row], [{"filename": text, "error": text}]):
        table = b"".join(stream(rows, [text], "csv")).decode()
        (told,) = csv.DictReader(io.StringIO(table, newline=""))
        assert told.keys() >= {f"probability of {written}"}
        assert {told[name] for name in ("filename", "label", "nearest_label", "error")} <= {written, ""}
