"""Compiles the C sources beside this file for the processor at hand, once, and loads them."""

import contextlib
import ctypes
import errno
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch

_SOURCES = Path(__file__).parent
_OPTIONS = ("-std=gnu11", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fopenmp")
_COMPILE_S = 120.0
_INSTALL = "on Linux, install gcc (or name it by CC)"
_NAME_FOLDER = "name by XDG_CACHE_HOME a folder that has room and whose files may be executed"
_LATER = "start it again while the machine is less busy"
logger = logging.getLogger("metashot")


class CompilationError(Exception):
    """The C sources cannot be compiled or loaded here; the message says why.

    Attributes:
        remedy: what to do.
    """

    def __init__(self, why: str, remedy: str = _INSTALL) -> None:
        super().__init__(why)
        self.remedy = remedy


@cache
def library() -> ctypes.CDLL | None:
    """Load the compiled functions, compiling them first unless an earlier process did (about 4 s).

    Returns:
        The library, or None if that fails; a warning then says why and what to do.
    """
    try:
        return _load(_runtime())
    except (CompilationError, OSError, subprocess.SubprocessError) as error:
        logger.warning(
            "adaptation that moves the network, and the preprocessing of drawings, are several times slower: %s; "
            "to change that, %s",
            error,
            _NAME_FOLDER if isinstance(error, OSError) else getattr(error, "remedy", _INSTALL),
        )
        return None


@cache
def function(name: str) -> "ctypes._NamedFuncPointer":
    """One of the compiled functions; only to be called where ``library`` is not None.

    It raises MemoryError if it gets no memory to work in; what it was to fill is then of no use.
    """
    loaded = library()
    assert loaded is not None, "callers ask for support first"
    found = loaded[name]
    found.restype, found.errcheck = ctypes.c_int, _check
    return found


def _check(lacking: Any, called: Any, _given: Any) -> Any:
    if lacking:
        raise MemoryError(f"not enough for {called.__name__}")
    return lacking


def _load(runtime: Path) -> ctypes.CDLL:
    words = os.environ.get("CC", "cc").split()
    if not words or (compiler := shutil.which(words[0])) is None:
        raise CompilationError(f"no C compiler {' '.join(words) or 'named'} is found")
    command = [compiler, *words[1:], *_OPTIONS]
    with _folder() as folder:
        target = folder / f"{_digest(command, runtime)}.so"
        if target.exists():
            with contextlib.suppress(OSError):  # it is damaged: whatever damaged it, it can be made again
                return ctypes.CDLL(str(target))
        _compile(command, runtime, target)
        return ctypes.CDLL(str(target))


def _compile(command: list[str], runtime: Path, target: Path) -> None:
    sources = [str(path) for path in sorted(_SOURCES.glob("*.c"))]
    with tempfile.TemporaryDirectory(dir=target.parent) as room:
        made = Path(room) / target.name
        try:
            found = subprocess.run(
                [*command, "-shared", "-fPIC", *sources, "-o", str(made), "-lm", str(runtime)],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_COMPILE_S,
                check=False,
                # Its files go beside the result, as /tmp may be full or not writable. It complains in English.
                env={**os.environ, "TMPDIR": room, "LC_ALL": "C"},
            )
        except subprocess.TimeoutExpired:
            raise CompilationError(f"{command[0]} took longer than {_COMPILE_S:g} s", _LATER) from None
        if found.returncode:
            remedy = _NAME_FOLDER if os.strerror(errno.ENOSPC) in found.stderr else _INSTALL
            raise CompilationError(f"{command[0]} failed: {found.stderr.strip()[-500:]}", remedy)
        with made.open("rb") as file:
            os.fsync(file.fileno())  # else a power cut may leave a part of it, and running that crashes
        made.replace(target)  # atomic, since other processes may be compiling at the same time


def _runtime() -> Path:
    """Find the OpenMP library that torch has loaded: with another, two thread pools would compete for the cores.

    Raises:
        CompilationError: if there is none, or this is not Linux.
    """
    torch.get_num_threads()
    maps = Path("/proc/self/maps")
    # A folder's name need not be UTF-8.
    lines = os.fsdecode(maps.read_bytes()).splitlines() if maps.exists() else []
    paths = {Path(line.split(maxsplit=5)[5]) for line in lines if line.count("/") and ".so" in line}
    for path in sorted(paths):
        if path.name.startswith(("libgomp", "libomp", "libiomp5")):
            return path
    raise CompilationError("torch has loaded no OpenMP library that could be shared")


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Where compiled files are kept: the user's cache or, if it is not writable, a folder for this once.

    The latter is gone once the library in it is loaded, which then lasts without its file.
    """
    try:
        cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = cache_home / "metashot"
        folder.mkdir(parents=True, exist_ok=True)
        kept = os.access(folder, os.W_OK)
    except (OSError, RuntimeError):  # RuntimeError for a user without a home folder
        kept = False
    if kept:
        yield folder
    else:
        with tempfile.TemporaryDirectory(prefix="metashot-", ignore_cleanup_errors=True) as once:
            yield Path(once)


def _digest(command: list[str], runtime: Path) -> str:
    """Hash all that the result depends on: sources, compiler, options, processor and torch's OpenMP library."""
    version = subprocess.run(
        [command[0], "--version"], capture_output=True, timeout=_COMPILE_S, check=True
    ).stdout
    whole = hashlib.sha256(os.fsencode("\n".join([*command, str(runtime), platform.machine()])) + version)
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    whole.update(
        "".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})).encode()
    )
    for path in sorted((*_SOURCES.glob("*.c"), *_SOURCES.glob("*.h"))):
        whole.update(path.read_bytes())
    return whole.hexdigest()[:32]
