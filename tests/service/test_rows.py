"""Rows of images, one of which cannot be used."""

from typing import Any, cast

import pytest

from service.computing.classifier import Classifier
from service.computing.rows import rows_of
from service.problems import Problem


class Unasked:
    """Stands for a classifier that no image reaches."""

    preprocessing = None

    def answers(self, queries: list[Any], check: object) -> list[Any]:
        assert queries == []
        return []


def test_an_error_is_of_one_line() -> None:
    def read() -> bytes:
        raise Problem(422, "a\nb.png is no image\x1b")

    rows = rows_of(cast(Classifier, Unasked()), [("a b.png", read)], max_pixels=100)
    assert rows == [{"filename": "a b.png", "error": "a\ufffdb.png is no image\ufffd"}]


def test_what_is_no_image_is_no_unexpected_error(caplog: pytest.LogCaptureFixture) -> None:
    rows = rows_of(cast(Classifier, Unasked()), [("a.png", lambda: b"no image")], max_pixels=100)
    assert rows == [{"filename": "a.png", "error": "a.png is not a PNG, JPEG, WebP or BMP image"}]
    assert caplog.records == []
