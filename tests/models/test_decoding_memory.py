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


def test_what_pillow_says_of_its_own_decoders_counts() -> None:
    assert lacks_memory(b"\x89PNG", OSError("out of memory when reading image file"), 1)
    assert not lacks_memory(b"\x89PNG", OSError("broken data stream when reading image file"), 10**15)
