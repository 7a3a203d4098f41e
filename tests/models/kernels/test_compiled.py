"""How the C sources are compiled and loaded, and what is said where that fails."""

import logging
import mmap
import os
import shutil
from pathlib import Path

import pytest
import torch
from torch.nn.functional import conv2d

from models.kernels.native import compiled
from models.kernels.task_convolution import convolve

needs_compiler = pytest.mark.skipif(compiled.library() is None, reason="no C compiler here")


@pytest.mark.parametrize(
    ("compiler", "complaint"),
    [("no-such-compiler", "no-such-compiler is found"), ("false", "false"), ("", "named is found")],
)
def test_without_a_compiler_it_says_so_once_and_torch_computes(
    compiler, complaint, monkeypatch, caplog, tmp_path
):
    monkeypatch.setenv("CC", compiler)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled.library.cache_clear()
    try:
        with caplog.at_level(logging.WARNING, "metashot"):
            assert compiled.library() is None
            assert compiled.library() is None
        assert len(caplog.records) == 1
        assert complaint in caplog.text
        assert "install gcc" in caplog.text
        images, weight = torch.randn(2, 3, 16, 6, 6), torch.randn(2, 16, 16, 3, 3)
        expected = torch.stack([conv2d(a, b, padding=1) for a, b in zip(images, weight, strict=True)])
        torch.testing.assert_close(convolve(images, weight, 1), expected, rtol=1e-4, atol=1e-4)
        assert not list(tmp_path.rglob("*.so"))
    finally:
        compiled.library.cache_clear()


@pytest.mark.long
@needs_compiler
def test_it_is_compiled_once_for_all_processes(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled.library.cache_clear()
    try:
        assert compiled.library() is not None
        (made,) = tmp_path.rglob("*.so")
        written = made.stat().st_mtime_ns
        compiled.library.cache_clear()
        assert compiled.library() is not None
        assert [made] == list(tmp_path.rglob("*.so"))
        assert made.stat().st_mtime_ns == written
    finally:
        compiled.library.cache_clear()
        shutil.rmtree(tmp_path)


@needs_compiler
def test_a_damaged_library_is_compiled_again(monkeypatch, tmp_path):
    sound = compiled.library()._name
    made = []

    def copied(_command, _runtime, target):
        made.append(target)
        shutil.copy(sound, target)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiled, "_compile", copied)
    damaged = tmp_path / "metashot" / Path(sound).name
    damaged.parent.mkdir()
    damaged.write_bytes(b"cut sho")
    compiled.library.cache_clear()
    try:
        assert compiled.library() is not None
        assert made == [damaged]
    finally:
        compiled.library.cache_clear()


def compile_in_vain(does: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let a script be the compiler, which tells its version, and does something when told to compile."""
    script = folder / "compiler"
    script.write_text(f'#!/bin/sh\n[ "$1" = --version ] || {{ {does}; }}\n')
    script.chmod(0o755)
    monkeypatch.setattr(compiled, "_runtime", lambda: Path("libgomp.so"))
    monkeypatch.setenv("CC", str(script))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    compiled.library.cache_clear()
    try:
        assert compiled.library() is None
    finally:
        compiled.library.cache_clear()


@pytest.mark.parametrize(
    ("does", "remedy", "no_remedy"),
    [
        ('echo "error writing to x.s: No space left on device" >&2; exit 1', "XDG_CACHE_HOME", "install gcc"),
        ('echo "unrecognized option -fopenmp" >&2; exit 1', "install gcc", "XDG_CACHE_HOME"),
        ("exec sleep 60", "took longer than 2 s; to change that, start it again while", "install gcc"),
    ],
)
def test_the_remedy_fits_the_compilers_complaint(does, remedy, no_remedy, monkeypatch, caplog, tmp_path):
    monkeypatch.setattr(compiled, "_COMPILE_S", 2.0 if "sleep" in does else 120.0)
    compile_in_vain(does, monkeypatch, tmp_path)
    assert remedy in caplog.text
    assert no_remedy not in caplog.text


def test_the_compilers_own_files_need_no_other_folder(monkeypatch, tmp_path):
    compile_in_vain(f'echo "$TMPDIR" > {tmp_path}/told; exit 1', monkeypatch, tmp_path)
    assert (tmp_path / "told").read_text().startswith(str(tmp_path / "metashot"))


def test_a_folder_whose_files_may_not_be_executed(monkeypatch, caplog, tmp_path):
    def refuse(_path):
        raise OSError("it.so: failed to map segment from shared object")  # as of a disk mounted noexec

    monkeypatch.setattr(compiled, "_runtime", lambda: Path("libgomp.so"))
    monkeypatch.setenv("CC", "true")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiled, "_compile", lambda *_: None)
    monkeypatch.setattr(compiled.ctypes, "CDLL", refuse)
    compiled.library.cache_clear()
    try:
        assert compiled.library() is None
    finally:
        compiled.library.cache_clear()
    assert "failed to map segment" in caplog.text
    assert "XDG_CACHE_HOME" in caplog.text
    assert "install gcc" not in caplog.text


@needs_compiler
def test_folders_may_have_names_that_are_not_utf_8(tmp_path):
    folder = os.fsencode(tmp_path) + b"/jos\xe9"
    os.mkdir(folder)  # noqa: PTH102 - a name of bytes
    loaded = Path(os.fsdecode(folder)) / "libany.so"
    loaded.write_bytes(b"mapped")
    with loaded.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ):
        runtime = compiled._runtime()
    assert runtime.name.startswith(("libgomp", "libomp", "libiomp5"))
    assert compiled._digest([shutil.which("cc")], loaded) != compiled._digest([shutil.which("cc")], runtime)


@needs_compiler
def test_who_has_no_home_leaves_nothing_behind(monkeypatch, tmp_path):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    def copied(_command, _runtime, target):
        assert target.parent.parent == tmp_path
        shutil.copy(sound, target)

    sound = compiled.library()._name
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(compiled.Path, "home", homeless)
    monkeypatch.setattr(compiled.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(compiled, "_compile", copied)
    compiled.library.cache_clear()
    compiled.function.cache_clear()
    try:
        assert compiled.library() is not None
        assert list(tmp_path.iterdir()) == []
        image, weight = torch.randn(1, 2, 16, 6, 6), torch.randn(1, 16, 16, 3, 3)
        expected = conv2d(image[0], weight[0], padding=1)[None]
        torch.testing.assert_close(convolve(image, weight, 1), expected, rtol=1e-4, atol=1e-4)
    finally:
        compiled.library.cache_clear()
        compiled.function.cache_clear()
