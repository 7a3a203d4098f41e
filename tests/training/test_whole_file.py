"""Files written whole or not at all."""

import pytest

from training.whole_file import write_whole


def test_names_that_are_no_utf8_are_written_as_escapes(tmp_path):
    write_whole(tmp_path / "a.csv", "caf\udce9 é\n")
    assert (tmp_path / "a.csv").read_text("utf-8") == "caf\\udce9 é\n"


def test_two_processes_that_write_at_the_same_moment_do_not_share_a_part(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    parts = []

    def noted(part, *_, **__):
        parts.append(part)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", noted)
    for process in (1, 2):
        monkeypatch.setattr("os.getpid", lambda process=process: process)
        with pytest.raises(OSError, match="No space"):
            write_whole(path, "new")
    assert len(set(parts)) == 2
    assert path not in parts


def test_a_write_that_fails_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_whole(path, "old")

    def full(part, _target):
        assert part.read_text() == "new"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match=rf"No space left on device: '{path}'"):
        write_whole(path, "new")
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]
    assert path.read_text() == "old"


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    path.chmod(0o600)
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
