"""Tasks of made-up drawings, as the files and the requests that callers send."""

import base64
import io
import json
import random
import uuid
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from training.datasets.strokes import Strokes

_SIDE = 105  # pixels of an uploaded drawing, as Omniglot's
_SEED = 5


@dataclass(frozen=True)
class Call:
    """One HTTP request, ready to be sent."""

    method: str
    path: str
    body: bytes = b""
    content_type: str = "application/json"


@dataclass(frozen=True)
class DrawnTask:
    """Labelled files and files to classify."""

    support: tuple[tuple[str, bytes], ...]
    queries: tuple[bytes, ...]

    def as_json(self, path: str, **fields: str) -> Call:
        """One body with support and queries, which the plain service reads too, and further fields."""
        document = {
            **fields,
            "support": [{"label": label, "image": _base64(file)} for label, file in self.support],
            "query": [{"image": _base64(file)} for file in self.queries],
        }
        return Call("POST", path, json.dumps(document).encode())

    def as_form(self, path: str, *, support: bool, queries: bool) -> Call:
        """A form with the support set, the queries or both."""
        boundary = uuid.uuid4().hex
        parts = []
        for label, file in self.support if support else ():
            parts += [_file_part("support", file), _part('name="labels"', "text/plain", label.encode())]
        parts += [_file_part("query", file) for file in (self.queries if queries else ())]
        mark = f"--{boundary}\r\n".encode()
        body = b"".join(mark + part for part in parts) + f"--{boundary}--\r\n".encode()
        return Call("POST", path, body, f"multipart/form-data; boundary={boundary}")


class Drawings:
    """A stock of drawings to make tasks of: ``classes`` characters, ``each`` drawings of each."""

    def __init__(self, classes: int, each: int) -> None:
        self._classes, self._each = classes, each

    @cached_property
    def _files(self) -> list[list[bytes]]:
        strokes = Strokes(_SEED, _SIDE)
        numbers = range(self._each)
        return [
            [_png(ink) for ink in strokes.images([index] * self._each, list(numbers))[:, 0].numpy()]
            for index in range(self._classes)
        ]

    def task(self, ways: int, shots: int, queries: int, seed: int) -> DrawnTask:
        """Draw a task in which no file occurs twice and the queries go through the classes in turn."""
        generator = random.Random(seed)
        chosen = generator.sample(range(self._classes), ways)
        of_class = -(-queries // ways)
        files = [generator.sample(self._files[index], shots + of_class) for index in chosen]
        support = tuple(
            (f"class {index}", file) for index, row in zip(chosen, files, strict=True) for file in row[:shots]
        )
        asked = [row[shots + place] for place in range(of_class) for row in files]
        return DrawnTask(support, tuple(asked[:queries]))


def _png(ink: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.round(255 * (1 - ink)).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def _base64(file: bytes) -> str:
    return base64.b64encode(file).decode()


def _file_part(field: str, file: bytes) -> bytes:
    return _part(f'name="{field}"; filename="drawing.png"', "image/png", file)


def _part(disposition: str, kind: str, content: bytes) -> bytes:
    head = f"Content-Disposition: form-data; {disposition}\r\nContent-Type: {kind}\r\n\r\n"
    return head.encode() + content + b"\r\n"
