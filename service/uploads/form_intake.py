"""Reads a multipart form as a raw upload."""

from collections.abc import AsyncIterator

from service.problems import Problem
from service.settings import Settings
from service.uploads import archives
from service.uploads.multipart import MAX_KNOBS, File, FormReader, Memory, no_file
from service.uploads.raw_upload import RawImage, RawUpload
from service.uploads.unexpected import Wants, fields_of, unexpected

_LIKE_LABELS = ("label", "labels[]")  # as one image has, and as PHP calls lists


async def read_form(
    content_type: str, chunks: AsyncIterator[bytes], settings: Settings, wants: Wants
) -> RawUpload:
    """Read ``support`` files with as many ``labels`` in the same order, an ``archive``, ``query`` files, texts.

    Raises:
        Problem: 413 beyond a limit, 400 for a malformed form, 422 for fields that do not fit; naming the field.
    """

    def allowed(field: str) -> int:
        return settings.max_request_bytes if field == archives.FIELD else settings.max_file_bytes

    reader = FormReader(max_files=settings.max_files, max_texts=settings.max_files + MAX_KNOBS, max_bytes=allowed)
    taken = fields_of(wants)
    upload = RawUpload()
    labels: list[str] = []
    support: list[File] = []
    for part in await reader.read(content_type, chunks):
        if not isinstance(part, File):
            if part.field not in taken:
                upload.add_field(part.field, part.value)
            elif part.field == "labels":
                labels.append(part.value)
            else:
                raise no_file(part.field)
        elif part.field == "labels" or part.field not in taken:
            raise unexpected(part.field, wants, part.filename)
        elif part.field == "support":
            support.append(part)
        elif part.field == "query":
            upload.queries.append(RawImage(part.filename, _content(part), "query"))
        elif upload.archive is None:
            assert isinstance(part.sink, Memory)
            upload.archive = part.sink
        else:
            detail = "one archive is taken; put all classes into one, or add the others' images later"
            raise Problem(422, detail, title="Unexpected file", file=part.filename, field=part.field)
    if len(labels) != len(support):
        if misspelt := next((name for name in _LIKE_LABELS if name in upload.fields), None):
            detail = f"{misspelt!r} is not known here; call the field 'labels', once for each of 'support'"
            raise Problem(422, detail, title="Unexpected field", field=misspelt)
        detail = (
            f"{len(support)} support images and {len(labels)} labels; send one label per image, in their order"
        )
        raise Problem(422, detail, title="Labels do not match", field="labels")
    for label, file in zip(labels, support, strict=True):
        upload.support.append(RawImage(file.filename, _content(file), "support", label))
    return upload


def _content(file: File) -> bytes:
    assert isinstance(file.sink, Memory)
    return file.sink.getvalue()
