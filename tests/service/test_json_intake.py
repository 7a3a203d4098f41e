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


def test_an_endless_name_is_told_by_its_beginning() -> None:
    body = json.dumps({"query": [{"image": "", "\x7f" * 1_000_000: 1}]}).encode()
    with pytest.raises(Problem, match="has an unknown member") as refusal:
        read_json(body, SETTINGS)
    assert len(refusal.value.detail) < 300
    assert refusal.value.field == "query[0]." + "\ufffd" * 100


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"query": [{"image": ""}], "query": []}', "query"),
        (b'{"query": [], "name": "x", "query": [], "model": "x"}', "query"),
        (b'{"support": [{"label": "a", "image": "", "image": ""}]}', "image"),
    ],
)
def test_a_member_given_twice_is_refused(body: bytes, name: str) -> None:
    with pytest.raises(Problem, match=f"'{name}' is given twice") as refusal:
        read_json(body, SETTINGS)
    assert (refusal.value.status, refusal.value.field) == (422, name)


CONTENT = bytes(range(256)) * 3 + b"\xff\xfe"
PLAIN = base64.b64encode(CONTENT).decode()


@pytest.mark.parametrize(
    "text",
    [
        base64.encodebytes(CONTENT).decode(),
        PLAIN.replace("A", "\r\n A\t") + "\n",
        base64.urlsafe_b64encode(CONTENT).decode(),
        base64.urlsafe_b64encode(CONTENT).decode().rstrip("="),
        f"DATA:image/png;Base64,{PLAIN}",
        f"data:;base64, {PLAIN}",
        f"\n  data:image/png;base64,{PLAIN}\n",
    ],
    ids=["lines", "blanks", "for addresses", "without padding", "DATA:", "data: with blanks", "blanks and data:"],
)
def test_takes_all_usual_kinds_of_base64(text: str) -> None:
    settings = Settings(max_files=2, max_file_bytes=1024)
    body = json.dumps({"query": [{"image": text}]}).encode()
    assert [one.content for one in read_json(body, settings).queries] == [CONTENT]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("data:image/png,%89PNG", "is a data: URL without ;base64"),
        ("data:image/svg+xml;utf8,<svg/>", "is a data: URL without ;base64"),
        ("http://127.0.0.1/x.png", "is not valid base64"),
        ("iVBORw0é", "is not valid base64"),
        ("AAAAA", "is not valid base64"),
        ("AA==AAAA", "is not valid base64"),
    ],
)
def test_what_is_no_base64_is_told_in_words(text: str, why: str) -> None:
    body = json.dumps({"query": [{"image": text}]}).encode()
    with pytest.raises(Problem, match=why) as refusal:
        read_json(body, SETTINGS)
    assert (refusal.value.status, refusal.value.field) == (422, "query[0].image")
    assert "codec" not in refusal.value.detail


@pytest.mark.parametrize("extra", [0, 1])
def test_a_file_in_base64_is_as_long_as_allowed(extra: int) -> None:
    settings = Settings(max_files=2, max_file_bytes=1024)
    text = base64.encodebytes(bytes(1024 + extra)).decode()
    body = json.dumps({"query": [{"image": text}]}).encode()
    if extra:
        with pytest.raises(Problem, match="larger than the 1024 bytes"):
            read_json(body, settings)
    else:
        assert len(read_json(body, settings).queries[0].content) == 1024
