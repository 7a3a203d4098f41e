import io
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from service.problems import Problem
from service.settings import MEBIBYTE, Settings
from service.uploads.archives import query_entries, support_entries
from tests.service.made_images import zipped

SETTINGS = Settings(max_files=5, max_file_bytes=2 * MEBIBYTE, max_archive_entries=4)


def labels(files: dict[str, bytes]) -> list[tuple[str, str]]:
    return [(label, name) for label, name, _ in support_entries(io.BytesIO(zipped(files)), SETTINGS)]


def refused(archive: bytes, settings: Settings = SETTINGS) -> Problem:
    with pytest.raises(Problem) as caught:
        list(support_entries(io.BytesIO(archive), settings))
    assert caught.value.field == "archive"
    return caught.value


def test_a_folder_is_a_class() -> None:
    found = list(support_entries(io.BytesIO(zipped({"a/1.png": b"x", "b b/2.png": b"y"})), SETTINGS))
    assert found == [("a", "a/1.png", b"x"), ("b b", "b b/2.png", b"y")]


def test_a_folder_around_all_classes_is_no_part_of_their_names() -> None:
    assert labels({"set/a/1.png": b"", "set/b/2.png": b""}) == [("a", "set/a/1.png"), ("b", "set/b/2.png")]


def test_folders_within_folders_stay_apart() -> None:
    found = labels({"Greek/one/1.png": b"", "Latin/one/1.png": b"", "Latin/two/1.png": b""})
    assert [label for label, _ in found] == ["Greek/one", "Latin/one", "Latin/two"]


def test_a_single_class_keeps_its_name() -> None:
    assert labels({"a/1.png": b"", "a/2.png": b""}) == [("a", "a/1.png"), ("a", "a/2.png")]


def without_utf8_flags(archive: bytes) -> bytes:
    unflagged = bytearray(archive)
    for entry, at in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        found = unflagged.find(entry)
        while found >= 0:
            unflagged[found + at] &= ~0x08
            found = unflagged.find(entry, found + 1)
    return bytes(unflagged)


def test_names_are_utf8_with_and_without_the_flag_that_says_so() -> None:
    files = {"café/1.png": b"1", "猫/2.png": b"2", "a/3.png": b"3"}
    for archive in (zipped(files), without_utf8_flags(zipped(files))):
        found = list(support_entries(io.BytesIO(archive), SETTINGS))
        assert found == [("café", "café/1.png", b"1"), ("猫", "猫/2.png", b"2"), ("a", "a/3.png", b"3")]


def test_a_name_of_dos_stays_one() -> None:
    utf8, dos = "é/1.png".encode(), b"\x82\x82/1.png"
    archive = without_utf8_flags(zipped({"é/1.png": b"x", "b/2.png": b"y"}, zipfile.ZIP_STORED))
    archive = archive.replace(utf8, dos)
    assert [label for label, *_ in support_entries(io.BytesIO(archive), SETTINGS)] == ["éé", "b"]


@pytest.mark.parametrize("name", ["../é.png", "é/../../1.png", "/é/1.png"])
def test_names_without_the_flag_are_checked_as_they_are_read(name: str) -> None:
    assert refused(without_utf8_flags(zipped({name: b"x"}))).file == name


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_with_and_without_the_flag_is_the_same() -> None:
    archive = bytearray(zipped({"é.png": b"1", "è.png": b"2"}))
    archive = bytearray(bytes(archive).replace("è.png".encode(), "é.png".encode()))
    for entry, at in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        archive[archive.index(entry) + at] &= ~0x08
    with (
        pytest.raises(Problem, match=r"é\.png twice"),
        query_entries(io.BytesIO(bytes(archive)), SETTINGS),
    ):
        pass


def test_skips_litter() -> None:
    files = {
        "a/1.png": b"",
        "__MACOSX/a/._1.png": b"",
        "a/.DS_Store": b"",
        "b/Thumbs.db": b"",
        "b/": b"",
        "b/2": b"",
    }
    assert labels(files) == [("a", "a/1.png"), ("b", "b/2")]


@pytest.mark.parametrize(
    "name", ["../1.png", "a/../../1.png", "/a/1.png", "..\\a\\1.png", "C:\\..\\1.png", "\\a\\1.png"]
)
def test_refuses_paths_that_leave_the_folder(name: str) -> None:
    problem = refused(zipped({name: b"x", "b/1.png": b"y"}, zipfile.ZIP_STORED))
    assert problem.status == 422
    assert problem.file == name.replace("\\", "/")


def test_a_colon_makes_no_drive_of_a_name() -> None:
    with query_entries(io.BytesIO(zipped({"1:30.png": b"x", "a:b.png": b"y"})), SETTINGS) as archive:
        assert archive.names == ("1:30.png", "a:b.png")
    assert labels({"a:b/1.png": b"", "A: apples/2.png": b""}) == [
        ("a:b", "a:b/1.png"),
        ("A: apples", "A: apples/2.png"),
    ]


def test_refuses_a_symbolic_link() -> None:
    link = zipfile.ZipInfo("a/passwd.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(link, "/etc/passwd")
    assert "symbolic link: a/passwd.png" in refused(archive.getvalue()).detail


def test_refuses_an_encrypted_entry() -> None:
    archive = bytearray(zipped({"a/1.png": b"x"}))
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    problem = refused(bytes(archive))
    assert "password" in problem.detail
    assert problem.file == "a/1.png"


def test_refuses_a_rare_method() -> None:
    assert "rare method" in refused(zipped({"a/1.png": b"x"}, zipfile.ZIP_LZMA)).detail


def test_refuses_too_many_entries() -> None:
    problem = refused(zipped({f"a/{k}.png": b"" for k in range(6)}))
    assert (problem.status, "holds 6 files, 5 are allowed" in problem.detail) == (413, True)
    assert refused(zipped({f"a/{k:0300}.png": b"" for k in range(200)})).status == 413


def test_refuses_bombs_before_unpacking() -> None:
    assert "over 200 times" in refused(zipped({"a/1.png": bytes(2 * MEBIBYTE)})).detail
    assert "2097152 are allowed" in refused(zipped({"a/1.png": bytes(3 * MEBIBYTE)})).detail
    several = {f"a/{k}.png": bytes(MEBIBYTE) for k in range(4)}
    small = replace(SETTINGS, max_support_unpacked_bytes=3 * MEBIBYTE)
    assert "unpacks to 4194304 bytes" in refused(zipped(several, zipfile.ZIP_STORED), small).detail


@pytest.mark.parametrize("declared", [10, 6000])
def test_unpacks_as_much_as_was_declared(declared: int) -> None:
    archive = bytearray(zipped({"a/1.png": b"x" * 5000}))
    at = archive.index(b"PK\x01\x02") + 24
    archive[at : at + 4] = declared.to_bytes(4, "little")
    problem = refused(bytes(archive))
    assert (problem.status, problem.file) == (422, "a/1.png")


def test_names_a_damaged_entry() -> None:
    archive = bytearray(zipped({"a/1.png": b"good", "b/2.png": b"spoilt" * 10}, zipfile.ZIP_STORED))
    archive[archive.index(b"spoilt")] ^= 0xFF
    problem = refused(bytes(archive))
    assert problem.file == "b/2.png"
    assert "damaged" in problem.detail


@pytest.mark.parametrize(
    "content",
    [b"", b"no zip", b"PK\x05\x06", zipped({"a/1.png": b"x"})[:-30], zipped({})],
    ids=["nothing", "text", "half an end", "cut short", "no entries"],
)
def test_refuses_what_is_no_archive_of_images(content: bytes) -> None:
    assert refused(content).status == 422


def test_wants_support_images_in_folders() -> None:
    problem = refused(zipped({"a/1.png": b"", "2.png": b""}))
    assert problem.file == "2.png"
    assert "folder" in problem.detail


def test_a_job_reads_one_image_at_a_time_by_name(tmp_path: Path) -> None:
    path = tmp_path / "input.zip"
    path.write_bytes(zipped({"b.png": b"1", "deep/a.png": b"2"}))
    with query_entries(path, SETTINGS) as archive:
        assert archive.names == ("b.png", "deep/a.png")
        assert archive.read("deep/a.png") == b"2"


def test_of_a_job_a_file_that_is_too_large_spoils_no_other() -> None:
    files = {"1.png": bytes(3 * MEBIBYTE), "2.png": bytes(2 * MEBIBYTE), "3.png": b"3"}
    with query_entries(io.BytesIO(zipped(files)), SETTINGS) as archive:
        assert archive.read("3.png") == b"3"
        for name, why in (("1.png", "2097152 are allowed"), ("2.png", "over 200 times")):
            with pytest.raises(Problem, match=why) as caught:
                archive.read(name)
            assert caught.value.file == name


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_may_come_once_only() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a/1.png", b"1")
        file.writestr("a/1.png", b"2")
    assert "a/1.png twice" in refused(archive.getvalue()).detail
