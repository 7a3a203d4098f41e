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


def read_json(body: bytes | bytearray, settings: Settings) -> RawUpload:
    """Read ``{"support": [{"label", "image", "filename"?}], "query": [{"image", "filename"?}], ...}``.

    Raises:
        Problem: 400 for malformed JSON, 413 beyond a limit, 422 for wrong or unknown members; naming the member.
    """
    _check_marks(body, (settings.max_files + 2) * _MARKS_OF_AN_IMAGE)
    try:
        document = json.loads(body)
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
        upload.support.append(RawImage(name, content, place, item.get("label"), f"{place}.label"))
    for index, item in enumerate(document.get("query") or ()):
        place = f"query[{index}]"
        _check_members(item, place, ("image", "filename"))
        upload.queries.append(RawImage(*_image(item, place, settings), place))
    return upload


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
            detail = f"{place} has an unknown member {name!r}; known are {', '.join(known)}"
            raise Problem(422, detail, title="Unexpected field", field=f"{place}.{printable(name)}")


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
    text = value.partition(",")[2] if value.startswith("data:") else value
    try:
        # The text's length tells the size before decoding, up to the padding.
        content = base64.b64decode(text, validate=True) if len(text) <= 4 * (allowed // 3 + 1) else None
    except (binascii.Error, ValueError) as error:
        raise _wrong(f"{place} is not valid base64: {error}", place, name) from error
    if content is None or len(content) > allowed:
        detail = f"{place} is larger than the {allowed} bytes allowed"
        raise Problem(413, detail, title="File too large", file=name, field=place)
    return content


def _wrong(detail: str, field: str, file: str | None = None) -> Problem:
    return Problem(422, detail, title="Wrong type", file=file, field=field)
