"""A request's body as it came, before its images and labels are looked at; the same for both forms of body."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from service.problems import Problem
from service.settings import Settings
from service.uploads import archives
from service.uploads.labels import printable


@dataclass(frozen=True)
class RawImage:
    """An uploaded file, with the label that came for it.

    Attributes:
        filename: as answers and problems name it.
        content: the file.
        place: the field, or JSON member, that it came by.
        label: None for a query; not known to be a text.
        label_place: where the label came by.
    """

    filename: str
    content: bytes
    place: str
    label: Any = None
    label_place: str = "labels"


@dataclass
class RawUpload:
    """All of a request: support examples, queries, an archive unopened, and the other fields by name."""

    support: list[RawImage] = field(default_factory=list)
    queries: list[RawImage] = field(default_factory=list)
    archive: BinaryIO | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    def unpack(self, settings: Settings, keep: Callable[[int], None]) -> None:
        """Add the examples of the archive, if one came, which then has a folder per class.

        ``keep`` is told the bytes of each, and what it raises ends the unpacking.
        """
        if self.archive is None:
            return
        for label, name, content in archives.support_entries(self.archive, settings):
            keep(len(content))
            image = RawImage(printable(name), content, archives.FIELD, label, archives.FIELD)
            self.support.append(image)

    def add_field(self, name: str, value: Any) -> None:
        """Add a plain field; the second of a name is refused."""
        name = printable(name)
        if name in self.fields:
            raise Problem(422, f"{name!r} is given twice", title="Unexpected field", field=name)
        self.fields[name] = value
