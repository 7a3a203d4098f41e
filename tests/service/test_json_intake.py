"""JSON bodies that would keep the parser, and with it everybody, busy."""

import base64
import json

import pytest

from service.problems import Problem
from service.settings import Settings
from service.uploads.json_intake import read_json

SETTINGS = Settings(max_files=2)


@pytest.mark.parametrize("value", ["0", "{}", "[]", '""', "[" * 50 + "]" * 50])
def test_endless_lists_are_refused_unread(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    body = json.dumps({"query": []}).replace("[]", f"[{','.join([value] * 3000)}]").encode()
    monkeypatch.setattr("service.uploads.json_intake.json.loads", lambda _: pytest.fail("it was read"))
    with pytest.raises(Problem) as refusal:
        read_json(body, SETTINGS)
    assert (refusal.value.status, refusal.value.field) == (413, "body")


@pytest.mark.parametrize("name", [0, False, 5, [], {}])
def test_a_file_name_is_a_text(name: object) -> None:
    body = json.dumps({"query": [{"image": "", "filename": name}]}).encode()
    with pytest.raises(Problem, match="is not a text") as refusal:
        read_json(body, SETTINGS)
    assert (refusal.value.status, refusal.value.field) == (422, "query[0].filename")


@pytest.mark.parametrize("name", [None, ""])
def test_without_a_file_name_an_image_is_called_by_its_place(name: object) -> None:
    body = json.dumps({"query": [{"image": "", "filename": name}]}).encode()
    assert [one.filename for one in read_json(body, SETTINGS).queries] == ["query[0]"]


def test_labels_and_names_may_be_full_of_commas() -> None:
    image = "data:image/png;base64," + base64.b64encode(bytes(100)).decode()
    support = [{"label": "," * 100, "image": image, "filename": "{" * 255}] * 2
    assert [one.label for one in read_json(json.dumps({"support": support}).encode(), SETTINGS).support] == [
        "," * 100,
        "," * 100,
    ]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"keep_known": ' + b"1" * 5000 + b"}", "it has a number of too many digits"),
        (b'{"query": ' + b"[" * 100_000, "its values are nested too deeply"),
        (b'{"query": ', "line 1 column 11"),
        (b"\xff", "can't decode byte 0xff"),
    ],
)
def test_what_is_no_json_is_told_without_advice_to_programmers(body: bytes, why: str) -> None:
    with pytest.raises(Problem, match=why) as refusal:
        read_json(body, Settings())
    assert (refusal.value.status, refusal.value.field) == (400, "body")
    assert refusal.value.detail.startswith("the body is not valid JSON: ")
    assert not any(word in refusal.value.detail for word in ("sys.", "recursion"))
