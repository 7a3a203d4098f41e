"""A request's body as it came, form or JSON alike, before its images and labels are checked."""

from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from service.problems import Problem
from service.settings import Settings
from service.uploads import archives
from service.uploads.labels import printable


@dataclass(frozen=True)
class RawImage:
    """An uploaded file, with the label that came with it.

    Attributes:
        filename: what answers and problems call it.
        content: the file.
        place: the form field or JSON member that it came in.
        label: as it came, of any type; None for a query.
        label_place: the field or member that the label came in.
    """

    filename: str
    content: bytes
    place: str
    label: Any = None
    label_place: str = "labels"


@dataclass
class RawUpload:
    """A whole request: support examples, queries, an unopened archive, and the other fields by name.

    Of a field given twice, which ``repeated`` names, the first value is kept.
    """

    support: list[RawImage] = field(default_factory=list)
    queries: list[RawImage] = field(default_factory=list)
    archive: BinaryIO | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)

    def unpack(self, settings: Settings, keep: Callable[[int], None]) -> None:
        """Add the examples of the archive, if one came, which must have a folder per class.

        ``keep`` is called with the bytes of each; what it raises ends the unpacking.

        Raises:
            Problem: naming the archive's entry at fault, if one is.
        """
        if self.archive is None:
            return
        for label, name, content in archives.support_entries(self.archive, settings):
            keep(len(content))
            image = RawImage(printable(name), content, archives.FIELD, label, archives.FIELD)
            self.support.append(image)

    def add_field(self, name: str, value: Any) -> None:
        """Add another field; whether it is known, and given once, is checked when all are there."""
        name = printable(name)
        if name in self.fields:
            self.repeated.add(name)
        self.fields.setdefault(name, value)

    def check_fields(self, texts: Set[str], files: Set[str]) -> None:
        """Refuse fields that are none of a route's ``texts``, and then those given twice.

        Raises:
            Problem: 422, naming the field; for one that is not known, also all that are, those of ``files`` too.
        """
        for name in self.fields:
            if name not in texts:
                detail = f"{name!r} is not known here; known are {', '.join(sorted(texts | files))}"
                raise Problem(422, detail, title="Unexpected field", field=name)
        for name in sorted(self.repeated):
            raise Problem(422, f"{name!r} is given twice", title="Unexpected field", field=name)
