"""The parts in which ``score`` sends a folder."""

from pathlib import Path

from service.commands.folders import image_files
from service.commands.parts import in_parts
from service.settings import MEBIBYTE, Settings
from service.uploads.archives import query_entries
from tests.service.made_images import write


def test_parts_hold_all_images_once_and_no_more_than_they_may(tmp_path: Path) -> None:
    for name, size in (("a", 10), ("b", 10), ("c", 25), ("d", 5), ("e", 5), ("f", 5), ("g", 5)):
        write(tmp_path / f"{name}.png", bytes(size))
    divided = list(in_parts(tmp_path, image_files(tmp_path), images=3, size=20))
    assert [part.names for part in divided] == [
        ["a.png", "b.png"],
        ["c.png"],
        ["d.png", "e.png", "f.png"],
        ["g.png"],
    ]


def test_a_line_of_ten_megabits_sends_a_part_well_within_the_time_for_a_body(tmp_path: Path) -> None:
    for name in "abcdef":
        with (tmp_path / f"{name}.png").open("wb") as file:
            file.truncate(6 * MEBIBYTE)
    divided = list(in_parts(tmp_path, image_files(tmp_path)))
    bytes_a_second = 10e6 / 8
    for part in divided:
        assert sum(path.stat().st_size for path in part.files) / bytes_a_second < Settings().upload_s / 3
    assert sum(len(part.files) for part in divided) == 6


def test_names_with_colons_are_told_as_they_are(tmp_path: Path) -> None:
    for name in ("a:1.png", "b: two/1.png"):
        write(tmp_path / "in" / name, b"1")
    (part,) = in_parts(tmp_path / "in", image_files(tmp_path / "in"))
    with query_entries(part.archive(tmp_path), Settings()) as archive:
        assert archive.names == tuple(part.names) == ("a:1.png", "b: two/1.png")


def test_a_part_is_known_again_until_something_changes(tmp_path: Path) -> None:
    write(tmp_path / "a.png", b"1")
    (part,) = in_parts(tmp_path, [tmp_path / "a.png"])
    first = part.fingerprint("task", 1)
    assert part.fingerprint("task", 1) == first
    assert part.fingerprint("task", 2) != first
    write(tmp_path / "a.png", b"22")
    assert part.fingerprint("task", 1) != first


def test_names_that_servers_show_alike_are_of_different_parts(tmp_path: Path) -> None:
    for name in ("a\t.png", "a\n.png", "b.png"):
        write(tmp_path / "in" / name, b"1")
    divided = list(in_parts(tmp_path / "in", image_files(tmp_path / "in")))
    assert [part.names for part in divided] == [["a\t.png"], ["a\n.png", "b.png"]]
    assert [part.shown for part in divided] == [
        {"a\ufffd.png": "a\t.png"},
        {"a\ufffd.png": "a\n.png", "b.png": "b.png"},
    ]
    for part in divided:
        with query_entries(part.archive(tmp_path), Settings()) as archive:
            assert archive.names == tuple(part.names)
