"""Settings of the service, read once from the environment; unsafe or absurd values are refused."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

MEBIBYTE = 1024**2
GIBIBYTE = 1024**3
MOST_PIXELS = 89_000_000  # above this, Pillow's own guard against decompression bombs begins to warn
JOBS, INITIALIZATIONS = "jobs", "initializations"  # folders of DATA_DIR
JOBS_LOCK = ".lock"  # in the jobs' folder; whoever holds it scores


class SettingsError(ValueError):
    """A setting is unusable; the message names the variable, its value and what is allowed."""


@dataclass(frozen=True)
class Settings:
    """Every limit of the service, with its default.

    Each is read from ``METASHOT_<FIELD IN CAPITALS>``; ``PORT`` and ``DATA_DIR`` also work without the prefix.

    Attributes:
        data_dir: folder of the service's state: database, jobs, the user's own initializations.
        port: TCP port, on 127.0.0.1.
        hosts: names, in small letters, by which callers may call the service, beside localhost and IP addresses;
            if there are none, any but those by which a page may have led a browser here (see ``KnownHosts``).
        max_request_bytes: body of a request, a job's form excepted.
        max_file_bytes: one uploaded file, or one entry of an archive.
        max_files: uploaded files of one request, a job's form excepted, and images of a support archive.
        max_support_unpacked_bytes: all entries of a support archive together, unpacked.
        max_pixels: width x height of one image, checked before it is decoded.
        max_ways: classes of one task.
        max_examples: support examples of one task.
        upload_s: seconds within which a request's body must arrive.
        deadline_s: seconds that an adaptation or an answer may take, including the wait for a thread, or for
            earlier changes of the same task.
        compute_threads: threads that compute adaptations and answers.
        queue_length: how many more callers may wait; beyond that they get 503.
        cache_bytes: memory for adapted classifiers, and a quarter as much again for their examples' inputs; the
            least recently used are dropped first.
        job_batch: images that a job scores and commits as one batch, at most.
        max_archive_bytes: body of a job's form.
        max_archive_entries: images of one job.
        max_archive_unpacked_bytes: all entries of a job's archive together, unpacked.
        max_archive_ratio: unpacked to packed size of any entry of at least 1 MiB.
    """

    data_dir: Path = Path("var")
    port: int = 3000
    hosts: tuple[str, ...] = ()
    max_request_bytes: int = 64 * MEBIBYTE
    max_file_bytes: int = 16 * MEBIBYTE
    max_files: int = 1000
    max_support_unpacked_bytes: int = 256 * MEBIBYTE
    max_pixels: int = 50_000_000
    max_ways: int = 200
    max_examples: int = 1000
    upload_s: float = 60.0
    deadline_s: float = 120.0  # 1,000 photos take one thread 57 s
    compute_threads: int = 2
    queue_length: int = 32
    cache_bytes: int = 256 * MEBIBYTE
    job_batch: int = 64
    max_archive_bytes: int = GIBIBYTE
    max_archive_entries: int = 100_000
    max_archive_unpacked_bytes: int = 8 * GIBIBYTE
    max_archive_ratio: int = 200

    def __post_init__(self) -> None:
        """Refuse values that cannot work or would take the machine down."""
        for name in _RANGES:
            _check_range(f"METASHOT_{name.upper()}", name, getattr(self, name))
        if self.max_file_bytes > self.max_request_bytes:
            raise SettingsError(
                f"METASHOT_MAX_FILE_BYTES={self.max_file_bytes} exceeds METASHOT_MAX_REQUEST_BYTES="
                f"{self.max_request_bytes}: no request could carry such a file; lower it or raise the other"
            )
        try:
            _check_folders(self.data_dir)
        except OSError as error:
            remedy = "name a folder that can be read and written by the user whom the service runs as"
            raise SettingsError(f"DATA_DIR={self.data_dir} is of no use ({error}); {remedy}") from None

    @property
    def request_timeout_s(self) -> int:
        """Seconds until the server gives a request up: later than our own deadlines, whose answers say more."""
        return int(self.upload_s + self.deadline_s) + 30  # for waits on a busy store

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the settings from the environment, with defaults for all others.

        Raises:
            SettingsError: for a value that is unusable or out of range, or for an unknown METASHOT_ variable.
        """
        known = {field.name: field for field in fields(cls)}
        given: dict[str, Any] = {}
        told_by: dict[str, str] = {}
        for variable, text in environ.items():
            if not text or _OF_KUBERNETES.match(f"{variable}={text}"):
                continue
            name = variable.removeprefix("METASHOT_").lower()
            if variable in ("PORT", "DATA_DIR"):
                given.setdefault(name, _parse(variable, text))
                told_by.setdefault(name, variable)
            elif variable.startswith("METASHOT_") and name in known:
                given[name] = _parse(variable, text)
                told_by[name] = variable
            elif variable.startswith("METASHOT_") and variable not in _OTHERS_USE:
                raise SettingsError(f"{variable} is no setting; known are {_names(known)}")
        for name in given.keys() & _RANGES.keys():
            _check_range(told_by[name], name, given[name])
        return cls(**given)


_RANGES: dict[str, tuple[float, float]] = {
    "port": (1, 65535),
    "max_request_bytes": (1024, 4 * GIBIBYTE),
    "max_file_bytes": (1024, GIBIBYTE),
    "max_files": (2, 100_000),
    "max_support_unpacked_bytes": (1024, 16 * GIBIBYTE),
    "max_pixels": (1, MOST_PIXELS),
    "max_ways": (2, 10_000),
    "max_examples": (2, 100_000),
    "upload_s": (0.1, 3600),
    "deadline_s": (0.1, 3600),
    "compute_threads": (1, 256),
    "queue_length": (0, 10_000),
    "cache_bytes": (0, 1024 * GIBIBYTE),
    "job_batch": (1, 4096),
    "max_archive_bytes": (1024, 1024 * GIBIBYTE),
    "max_archive_entries": (1, 10_000_000),
    "max_archive_unpacked_bytes": (1024, 1024 * GIBIBYTE),
    "max_archive_ratio": (2, 100_000),
}
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")  # no scheme, port or wildcard
_OTHERS_USE = frozenset({"METASHOT_DATA"})  # where training finds its data sets
# Kubernetes sets these in every pod for each Service, which may be called metashot, or metashot-something.
_OF_KUBERNETES = re.compile(
    r"METASHOT(_\w+)?_(SERVICE_HOST=|SERVICE_PORT(_\w+)?=|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?=|PORT=(tcp|udp|sctp)://)"
)


def _check_range(variable: str, name: str, value: float) -> None:
    low, high = _RANGES[name]
    if not low <= value <= high:
        raise SettingsError(f"{variable}={value} is not within {low} to {high}")


def _check_folders(data_dir: Path) -> None:
    """Refuse files in place of folders, and a jobs' folder in which nothing could be put or scored."""
    if data_dir.exists() and not data_dir.is_dir():
        raise SettingsError(f"DATA_DIR={data_dir} is a file; name a folder")
    for inside in (data_dir / JOBS, data_dir / INITIALIZATIONS):
        if inside.exists() and not inside.is_dir():
            raise SettingsError(f"{inside} is a file; move it, or name another DATA_DIR")
    for written, how in ((data_dir / JOBS, os.W_OK | os.X_OK), (data_dir / JOBS / JOBS_LOCK, os.W_OK)):
        if written.exists() and not os.access(written, how):
            remedy = "let the user whom the service runs as own all of DATA_DIR (chown -R)"
            raise SettingsError(f"{written} cannot be written to; {remedy}, or name another one")


def _parse(variable: str, text: str) -> Path | tuple[str, ...] | int | float:
    if variable.endswith("DATA_DIR"):
        return Path(text)
    if variable.endswith("HOSTS"):
        names = tuple(name.strip().lower() for name in text.split(","))
        if not all(map(_HOST.fullmatch, names)):
            raise SettingsError(f"{variable}={text!r} does not list bare names, such as a.example,b.example")
        return names
    try:
        if "_" in text:  # Python reads 1_0 as 10
            raise ValueError
        return float(text) if variable.endswith("_S") else int(text)
    except ValueError:
        kind = "a number of seconds" if variable.endswith("_S") else "a whole number"
        raise SettingsError(f"{variable}={text!r} is not {kind}") from None


def _names(known: Mapping[str, object]) -> str:
    return ", ".join(f"METASHOT_{name.upper()}" for name in known)
