"""The parts in which ``score`` sends a folder."""

from pathlib import Path

from service.commands.folders import image_files
from service.commands.parts import in_parts


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


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


def test_a_part_is_known_again_until_something_changes(tmp_path: Path) -> None:
    write(tmp_path / "a.png", b"1")
    (part,) = in_parts(tmp_path, [tmp_path / "a.png"])
    first = part.fingerprint("task", 1)
    assert part.fingerprint("task", 1) == first
    assert part.fingerprint("task", 2) != first
    write(tmp_path / "a.png", b"22")
    assert part.fingerprint("task", 1) != first
