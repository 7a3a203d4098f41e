"""Reads a JSON body with images in base64 as a raw upload."""

import base64
import binascii
import io
import json
from typing import Any

from service.problems import Problem
from service.settings import Settings
from service.uploads import archives
from service.uploads.labels import printable
from service.uploads.raw_upload import RawImage, RawUpload

_MARKS_OF_AN_IMAGE = 512  # commas and brackets: a few of its own, and its label and name may consist of them
_NAME_TOLD = 100  # characters shown of a member's name, which may be as long as the whole body
_FROM_ADDRESSES = bytes.maketrans(b"-_", b"+/")  # base64 fit for addresses and file names (RFC 4648, 5)
_BLANKS = b" \t\r\n\v\f"


def read_json(body: bytes | bytearray, settings: Settings) -> RawUpload:
    """Read ``{"support": [{"label", "image", "filename"?}], "query": [{"image", "filename"?}], ...}``.

    Raises:
        Problem: 400 for malformed JSON, 413 beyond a limit, 422 for wrong or unknown members; naming the member.
    """
    _check_marks(body, (settings.max_files + 2) * _MARKS_OF_AN_IMAGE)
    try:
        document = json.loads(body, object_pairs_hook=_members)
    except (ValueError, RecursionError) as error:
        detail = f"the body is not valid JSON: {_fault(error)}"
        raise Problem(400, detail, title="Malformed JSON", field="body") from error
    if not isinstance(document, dict):
        raise _wrong("the body is no JSON object", "body")
    upload = RawUpload()
    total = 0
    for name, value in document.items():
        if name in ("support", "query"):
            total += _length(value, name)
            if total > settings.max_files:
                detail = f"more than {settings.max_files} images in one request; send several requests"
                raise Problem(413, detail, title="Too many files", field=name)
        elif name == archives.FIELD:
            if value is not None:
                upload.archive = io.BytesIO(_decode_base64(value, name, None, settings.max_request_bytes))
        elif name == "labels":
            detail = "'labels' belong to a form; in JSON each of 'support' has its own 'label'"
            raise Problem(422, detail, title="Unexpected field", field=name)
        elif value is not None:
            upload.add_field(name, value)
    for index, item in enumerate(document.get("support") or ()):
        place = f"support[{index}]"
        _check_members(item, place, ("label", "image", "filename"))
        name, content = _image(item, place, settings)
        upload.support.append(RawImage(name, content, f"{place}.image", item.get("label"), f"{place}.label"))
    for index, item in enumerate(document.get("query") or ()):
        place = f"query[{index}]"
        _check_members(item, place, ("image", "filename"))
        upload.queries.append(RawImage(*_image(item, place, settings), f"{place}.image"))
    return upload


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members; raises a 422 Problem for two of one name, of which one would be lost."""
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            break
        seen.add(name)
    detail = f"{_told(name)!r} is given twice in one object; give it once, several images as a list"
    raise Problem(422, detail, title="Unexpected field", field=_told(name))


def _told(name: str) -> str:
    return printable(name[:_NAME_TOLD])


def _fault(error: ValueError | RecursionError) -> str:
    """Say what the JSON parser found, in words of our own where its message is for programmers."""
    if isinstance(error, RecursionError):
        return "its values are nested too deeply"
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return str(error)
    return "it has a number of too many digits"


def _check_marks(body: bytes | bytearray, allowed: int) -> None:
    """Refuse endless lists of small values unparsed: the parser lets no other thread run until it has finished.

    It would take seconds, and many bytes of memory for each byte read. Base64 contains none of these marks.
    """
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > allowed:
        detail = "the body lists more values than any request has use for; send only the images and their labels"
        raise Problem(413, detail, title="Too many values", field="body")


def _length(value: Any, name: str) -> int:
    if value is None:
        return 0
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _wrong(f"{name!r} is no list of objects with an 'image' in base64", name)
    return len(value)


def _check_members(item: dict[str, Any], place: str, known: tuple[str, ...]) -> None:
    for name in item:
        if name not in known:
            told = _told(name)
            detail = f"{place} has an unknown member {told!r}; known are {', '.join(known)}"
            raise Problem(422, detail, title="Unexpected field", field=f"{place}.{told}")


def _image(item: dict[str, Any], place: str, settings: Settings) -> tuple[str, bytes]:
    given = item.get("filename")
    name = place if given in (None, "") else given
    if not isinstance(name, str):
        raise _wrong(f"{place}.filename is not a text", f"{place}.filename")
    name = printable(name)
    return name, _decode_base64(item.get("image"), f"{place}.image", name, settings.max_file_bytes)


def _decode_base64(value: Any, place: str, name: str | None, allowed: int) -> bytes:
    if not isinstance(value, str):
        raise _wrong(f"{place} is no base64 text", place, name)
    try:
        text = _without_blanks(value, place, name)
        # The text's length tells the size before decoding, up to the padding.
        content = base64.b64decode(text, validate=True) if len(text) <= 4 * (allowed // 3 + 1) else None
    except binascii.Error as error:
        raise _wrong(f"{place} is not valid base64: {error}", place, name) from error
    if content is None or len(content) > allowed:
        detail = f"{place} is larger than the {allowed} bytes allowed; make it smaller"
        raise Problem(413, detail, title="File too large", file=name, field=place)
    return content


def _without_blanks(value: str, place: str, name: str | None) -> bytes:
    """Give base64 in its plain spelling: without blanks and what a ``data:`` URL has in front, padded to fours.

    Raises:
        Problem: 422 for a text that no base64 is written in.
    """
    value = value.lstrip()
    if value[:5].lower() == "data:":
        head, _, value = value.partition(",")
        if not head.rstrip().lower().endswith(";base64"):
            detail = f"{place} is a data: URL without ;base64; encode the image in base64"
            raise _wrong(detail, place, name)
    if not value.isascii():
        raise _wrong(f"{place} is not valid base64: it has letters or signs beyond ASCII", place, name)
    text = value.encode().translate(_FROM_ADDRESSES, _BLANKS)
    return text + b"=" * (-len(text) % 4)


def _wrong(detail: str, field: str, file: str | None = None) -> Problem:
    return Problem(422, detail, title="Wrong type", file=file, field=field)
