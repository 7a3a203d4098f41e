"""Turns what callers send, a multipart form or JSON, into typed and checked objects."""

from dataclasses import dataclass

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from service.problems import Problem
from service.settings import Settings
from service.uploads import archives, expires_in, keep_known
from service.uploads.body_limit import room_of
from service.uploads.form_intake import read_form
from service.uploads.images import Example, Query
from service.uploads.json_intake import read_json
from service.uploads.labels import clean_label, clean_text, printable
from service.uploads.media_type import FORM, JSON, URLENCODED, media_type
from service.uploads.raw_upload import RawUpload
from service.uploads.unexpected import Wants, fields_of, unexpected

KNOBS = frozenset({"model"})
NAMING = frozenset({"name"})  # fields of requests that keep a task
MOVING = frozenset({"label"})  # fields of requests that move an example to another class
MAKING = KNOBS | NAMING | {expires_in.FIELD}  # fields of requests that make a task
ASKING = KNOBS | {keep_known.FIELD}  # fields of requests with queries
_NUMBERS = frozenset({keep_known.FIELD, expires_in.FIELD})


@dataclass(frozen=True)
class Upload:
    """A whole request: support examples, queries in order, text fields, and those that are numbers."""

    support: tuple[Example, ...]
    queries: tuple[Query, ...]
    fields: dict[str, str]
    keep_known: float
    expires_in: int | None


async def read_upload(
    request: Request,
    settings: Settings,
    *,
    wants: Wants,
    fields: frozenset[str] = KNOBS,
) -> Upload:
    """Read a request's body, form or JSON, and check everything but the images themselves.

    Images are decoded where they are used, one at a time: a thousand decoded photos would not fit in memory.

    Args:
        request: its body is consumed.
        settings: the limits.
        wants: what the route needs; a request that lacks it, or brings the other, is refused.
        fields: text fields that the route takes.

    Raises:
        Problem: naming the field at fault, and the file if there is one.
    """
    upload = await read_raw(request, settings, wants)
    if "support" in wants:
        await run_in_threadpool(upload.unpack, settings, room_of(request.scope))
    elif upload.archive is not None:
        raise unexpected(archives.FIELD, wants)
    for name, given in (("support", upload.support), ("query", upload.queries)):
        if name in wants and not given:
            detail = f"there is no {name!r}; send at least one image"
            raise Problem(422, detail, title="Missing field", field=name)
        if name not in wants and given:
            raise unexpected(name, wants)
    support = tuple(
        Example(
            one.filename,
            one.content,
            settings.max_pixels,
            one.place,
            label=clean_label(one.label, field=one.label_place, file=one.filename),
            label_field=one.label_place,
        )
        for one in upload.support
    )
    queries = tuple(Query(one.filename, one.content, settings.max_pixels, one.place) for one in upload.queries)
    texts = _texts(upload, wants, fields)
    share = keep_known.read_keep_known(upload.fields.get(keep_known.FIELD))
    seconds = expires_in.read_expires_in(upload.fields.get(expires_in.FIELD))
    return Upload(support, queries, texts, share, seconds)


async def read_raw(request: Request, settings: Settings, wants: Wants) -> RawUpload:
    """Read a request's body without looking into its images and archive.

    Raises:
        Problem: 415 for a Content-Type that is neither or a compressed body, and as ``read_form`` and
            ``read_json``.
    """
    refuse_compressed(request)
    kind = media_type(request.headers)
    if kind == FORM:
        return await read_form(request.headers["content-type"], request.stream(), settings, wants)
    if kind == JSON:
        return await run_in_threadpool(read_json, await _whole_body(request, settings), settings)
    advice = " (curl: -F in place of -d)" if kind == URLENCODED else ""
    detail = f"the Content-Type is {kind or 'missing'}; send {FORM} or {JSON}{advice}"
    raise Problem(415, detail, field="Content-Type")


def refuse_compressed(request: Request) -> None:
    """Refuse a body that is not sent as it is: limits count the bytes that come.

    Raises:
        Problem: 415, for any ``Content-Encoding`` but ``identity``.
    """
    encoding = request.headers.get("content-encoding", "").strip()
    if encoding.lower() not in ("", "identity"):
        detail = f"the body's Content-Encoding is {printable(encoding)}; send it uncompressed"
        raise Problem(415, detail, field="Content-Encoding", headers={"Accept-Encoding": "identity"})


async def _whole_body(request: Request, settings: Settings) -> bytearray:
    """Read a body into memory, with the usual limit even for a job, whose form (on disk) may be larger."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > settings.max_request_bytes:
            detail = f"the JSON body is larger than the {settings.max_request_bytes} bytes allowed"
            raise Problem(413, f"{detail}; send a form, or several requests", field="body")
    return body


def _texts(upload: RawUpload, wants: Wants, allowed: frozenset[str]) -> dict[str, str]:
    upload.check_fields(allowed, fields_of(wants))
    return {
        name: clean_text(value, field=name, what=name)
        for name, value in upload.fields.items()
        if name not in _NUMBERS and value != ""  # a form sends '' for an input left empty
    }
