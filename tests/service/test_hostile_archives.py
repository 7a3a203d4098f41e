"""Archives that are made to take memory, or to be read by one reader otherwise than by another."""

import io
import zipfile

import pytest

from service.problems import Problem
from service.settings import Settings
from service.uploads.archives import query_entries, support_entries
from tests.service.made_images import zipped

SETTINGS = Settings(max_files=5, max_archive_entries=5)


def test_an_endless_list_of_entries_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    content = zipped({f".{number:0300}": b"" for number in range(200)})  # hidden: none of them counts as a file
    monkeypatch.setattr("service.uploads.archives.zipfile.ZipFile", lambda _: pytest.fail("it was read"))
    with pytest.raises(Problem, match="lists more entries than the 5 allowed") as refusal:
        list(support_entries(io.BytesIO(content), SETTINGS))
    assert (refusal.value.status, refusal.value.field) == (413, "archive")


def test_a_name_that_ends_early_for_some_readers_is_refused() -> None:
    content = zipped({"a/1.png_/../../2.png": b"x", "b/2.png": b"y"}, zipfile.ZIP_STORED)
    content = content.replace(b"1.png_/../../", b"1.png\0/../../")
    with pytest.raises(Problem, match=r"leaves its folder: a/1\.png") as refusal:
        list(support_entries(io.BytesIO(content), SETTINGS))
    assert (refusal.value.status, refusal.value.file) == (422, "a/1.png")


@pytest.mark.parametrize("names", [("x\n.png", "x\r.png"), ("x\N{REPLACEMENT CHARACTER}.png", "x\u2028.png")])
def test_of_two_files_that_results_would_call_alike_one_must_be_renamed(names: tuple[str, str]) -> None:
    with (
        pytest.raises(Problem, match="holds two files called") as refusal,
        query_entries(io.BytesIO(zipped(dict.fromkeys(names, b"x"))), SETTINGS),
    ):
        pass
    assert (refusal.value.status, refusal.value.file) == (422, "x\N{REPLACEMENT CHARACTER}.png")


def test_a_single_file_may_be_called_so() -> None:
    with query_entries(io.BytesIO(zipped({"x\n.png": b"x", "y\n.png": b"y"})), SETTINGS) as archive:
        assert archive.names == ("x\n.png", "y\n.png")
