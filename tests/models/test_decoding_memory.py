"""Memory that runs out while an image is decoded: no sound image is told to be damaged."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from models.images.decoding_memory import lacks_memory

ROOT = Path(__file__).parents[2]
LIMITED = """
import resource, sys
from pathlib import Path
from models.images.image_decoding import decode

content, found = Path(sys.argv[1]).read_bytes(), []
for megabytes in (4, 40, 90, 140, 190, 240, 290, 700):
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + megabytes * 1024**2, -1))
    try:
        found.append(decode(content, 10**8).mode)
    except Exception as error:
        found.append(type(error).__name__)
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
print(*found)
"""


GROWTH = """
import re, sys
from pathlib import Path
from models.images.image_decoding import UndecodableError, decode

def most():
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024

content, before = Path(sys.argv[1]).read_bytes(), most()
try:
    decode(content, 10**8)
except UndecodableError:
    print(most() - before)
"""


def encoded(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    grey = Image.linear_gradient("L").resize((4000, 4000))
    Image.merge("RGB", [grey, grey.rotate(90), grey]).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no /proc/self/statm")
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"progressive": True}),
        ("JPEG", {}),
        ("WEBP", {"method": 0}),
        ("WEBP", {"method": 0, "quality": 0, "lossless": True}),
        ("WEBP", {"method": 0, "exif": b"Exif\0\0"}),
        ("PNG", {"compress_level": 1}),
    ],
)
def test_a_sound_image_is_decoded_or_lacks_memory(tmp_path: Path, kind: str, options: dict[str, object]) -> None:
    (tmp_path / "image").write_bytes(encoded(kind, **options))
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "image")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    *limited, most = done.stdout.split()
    assert set(limited) <= {"MemoryError", "RGB"}
    assert limited[0] == "MemoryError"
    assert most == "RGB"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no /proc/self/statm")
def test_a_jpeg_that_is_cut_short_is_damaged_however_little_memory_there_is(tmp_path: Path) -> None:
    content = encoded("JPEG", progressive=True)
    (tmp_path / "image").write_bytes(content[: len(content) // 2])
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "image")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()[2:]) == {"UndecodableError"}, "40 MB do not suffice for decoding it at all"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc/self/status")
def test_looking_whether_memory_was_short_takes_none(tmp_path: Path) -> None:
    """Or else a small damaged file that claims to be large would be what ends the service."""
    content = encoded("WEBP", method=0)
    (tmp_path / "image").write_bytes(content[: len(content) // 2])
    command = [sys.executable, "-c", GROWTH, str(tmp_path / "image")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100, "megabytes, of the 244 that decoding it could take"


def test_what_pillow_says_of_its_own_decoders_counts() -> None:
    assert lacks_memory(b"\x89PNG", OSError("out of memory when reading image file"), 1)
    assert not lacks_memory(b"\x89PNG", OSError("broken data stream when reading image file"), 10**15)
