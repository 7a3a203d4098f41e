import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.images.image_decoding import FORMATS, LONGEST_SIDE, MAX_SCANS, SUFFIXES
from models.images.jpeg_markers import scans
from service.problems import Problem
from service.uploads.images import decode
from tests.service.made_images import bomb, drawing, encoded

LIMIT = 1_000_000
ROOT = Path(__file__).parents[2]


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(decode(content, "x.png", max_pixels=LIMIT))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_takes_the_four_formats(kind: str) -> None:
    image = decode(encoded(Image.new("RGB", (8, 6), (250, 10, 10)), kind), "x", max_pixels=LIMIT)
    assert (image.size, image.mode) == ((8, 6), "RGB")
    assert np.allclose(np.asarray(image)[3, 4], (250, 10, 10), atol=8)


def test_files_are_found_by_all_endings_of_these_formats() -> None:
    Image.init()
    taken = {*FORMATS, "MPO"}  # the last is a JPEG followed by others
    assert {end for end, kind in Image.registered_extensions().items() if kind in taken} == SUFFIXES


def test_takes_the_first_image_of_several_in_a_jpeg() -> None:
    red, blue = Image.new("RGB", (16, 16), (255, 0, 0)), Image.new("RGB", (16, 16), (0, 0, 255))
    assert pixels(encoded(red, "MPO", save_all=True, append_images=[blue]))[0, 0, 0] > 240


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PPM", "ICO"])
def test_takes_no_other_format(kind: str) -> None:
    with pytest.raises(Problem, match="is not a PNG, JPEG, WebP or BMP") as caught:
        decode(encoded(Image.new("RGB", (32, 32)), kind), "x.png", max_pixels=LIMIT, field="query")
    assert (caught.value.status, caught.value.file, caught.value.field) == (422, "x.png", "query")


def test_takes_the_longest_side() -> None:
    assert pixels(encoded(Image.new("L", (1, LONGEST_SIDE)))).shape == (LONGEST_SIDE, 1)


def test_transparency_becomes_white_paper() -> None:
    clear_with_ink = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    clear_with_ink.putpixel((1, 2), (0, 0, 0, 255))
    clear_with_ink.putpixel((2, 2), (0, 0, 0, 128))
    seen = pixels(encoded(clear_with_ink))
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert seen[2, 1].tolist() == [0, 0, 0]
    assert abs(int(seen[2, 2, 0]) - 127) <= 1
    gray_alpha = Image.new("LA", (4, 4), (0, 0))
    assert pixels(encoded(gray_alpha)).min() == 255


def test_palette_with_a_transparent_entry() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.putpixel((3, 3), 1)
    seen = pixels(encoded(image, transparency=0))
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert seen[3, 3].tolist() == [200, 0, 0]


def test_a_bmp_that_leaves_its_alpha_at_zero_is_opaque() -> None:
    colours = 0, 0, 0, 0, 0xFF0000, 0xFF00, 0xFF, 0xFF000000  # the last four are masks
    for alpha, seen in ((b"\0\0", [0, 255]), (b"\xff\0", [0, 255]), (b"\0\xff", [255, 255])):
        black, white = (bytes([level] * 3 + [of_one]) for level, of_one in zip((0, 255), alpha, strict=True))
        head = struct.pack("<IiiHHI", 108, 2, 1, 1, 32, 3) + struct.pack("<IiiIIIIII", 8, *colours) + bytes(52)
        content = b"BM" + struct.pack("<IHHI", 130, 0, 0, 122) + head + black + white
        assert pixels(content)[0, :, 0].tolist() == seen


def test_sixteen_bits_are_scaled_not_cut_off() -> None:
    deep = Image.fromarray(np.array([[0, 257 * 100], [257 * 200, 65535]], np.uint16))
    assert pixels(encoded(deep)).tolist() == [[0, 100], [200, 255]]
    assert pixels(encoded(deep, transparency=257 * 100)).tolist() == [[0, 255], [200, 255]]


def test_sixteen_bits_are_rounded_to_the_nearest_of_eight() -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(pixels(encoded(Image.fromarray(levels))), np.rint(levels / 257))


def test_black_and_white_and_cmyk() -> None:
    assert set(np.unique(pixels(encoded(Image.new("1", (4, 4), 1))))) == {255}
    ink = pixels(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert np.allclose(ink[4, 4], (255, 0, 0), atol=12)


def test_turns_upright_by_its_exif_note() -> None:
    lying = Image.new("RGB", (8, 4), (255, 255, 255))
    lying.paste((0, 0, 0), (0, 0, 2, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    upright = pixels(encoded(lying, "JPEG", exif=exif, quality=95))
    assert upright.shape == (8, 4, 3)
    assert upright[0].mean() < 60
    assert upright[-1].mean() > 200


def test_takes_the_first_frame_only() -> None:
    red, blue = Image.new("RGB", (4, 4), (255, 0, 0)), Image.new("RGB", (4, 4), (0, 0, 255))
    moving = encoded(red, "WEBP", save_all=True, append_images=[blue], lossless=True)
    assert pixels(moving)[0, 0].tolist() == [255, 0, 0]


def of_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again until there are as many."""
    sound = encoded(Image.effect_noise((64, 64), 50).convert("RGB"), "JPEG", progressive=True)
    last = sound.rindex(b"\xff\xda")
    body, scan, end = sound[:last], sound[last:-2], sound[-2:]
    return body + scan * (count - body.count(b"\xff\xda")) + end


def test_takes_progressive_photos() -> None:
    assert pixels(of_scans(MAX_SCANS)).shape == (64, 64, 3)


def test_takes_photos_with_a_film_behind_them_or_a_preview_in_their_notes() -> None:
    photo = of_scans(10)
    film = b"\x00\x00\x00\x18ftypmp42" + b"\xff\xda\x00\x0c" * 200
    assert pixels(photo + film).shape == (64, 64, 3)
    note = b"\xff\xe1" + (2 + len(film)).to_bytes(2) + film
    assert pixels(photo[:2] + note + photo[2:]).shape == (64, 64, 3)


@pytest.mark.parametrize("between", [b"\xff" * 5, b"\xff\x00" * 5, b"\xff\xd3", b"junk", b"\xff\xfe\x00\x03x"])
def test_no_scan_hides_behind_what_a_decoder_skips(between: bytes) -> None:
    content = of_scans(MAX_SCANS + 1)
    last = content.rindex(b"\xff\xda")
    with pytest.raises(Problem, match="65 scans"):
        pixels(content[:last] + between + content[last:])


@pytest.mark.parametrize(
    "tail", [b"\xff\xfe\x00\x02", b"\xff\xfe\x00\x00", b"\xff\xff", b"\xff\x00", b"\xff\xd0", b"\x00"]
)
def test_scans_of_a_hostile_file_are_counted_soon(tail: bytes) -> None:
    begin = time.perf_counter()
    for content in (b"\xff\xda\x00\x0c" + tail * 4_000_000, b"\xff", b"\xff\xda", b"\xff\xda\x00"):
        assert scans(b"\xff\xd8" + content) <= 1
    assert time.perf_counter() - begin < 5


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (of_scans(MAX_SCANS + 1), 413, "65 scans, more than the 64 allowed; save it again"),
        (b"", 422, "empty"),
        (b"hello", 422, "not a PNG"),
        (b"\x89PNG\r\n\x1a\n", 422, "x.png is"),
        (drawing()[:-60], 422, "^x.png is damaged or cut short; save it again, or leave it out$"),
        (drawing()[:20], 422, "^x.png is damaged or cut short; save it again, or leave it out$"),
        (encoded(Image.effect_noise((64, 64), 50), "JPEG")[:-700], 422, "cut short"),
        (encoded(Image.effect_noise((64, 64), 50), "WEBP")[:-700], 422, "x.png is"),
        (encoded(Image.effect_noise((64, 64), 50), "BMP")[:-700], 422, "cut short"),
        (bomb(2000, 2000), 413, "2000 x 2000 pixels"),
        (bomb(60_000, 60_000), 413, "pixels"),
        (bomb(1, LONGEST_SIDE + 1), 413, "1 x 65536 pixels, and no side may have more than 65535; make it"),
        (bomb(LONGEST_SIDE + 1, 1), 413, "65536 x 1 pixels, and no side may"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "not a PNG"),
    ],
)
def test_refuses_what_is_no_sound_image(content: bytes, status: int, words: str) -> None:
    with pytest.raises(Problem, match=words) as caught:
        decode(content, "x.png", max_pixels=LIMIT)
    assert (caught.value.status, caught.value.file) == (status, "x.png")


def test_checks_the_size_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    for width, height in ((1001, 1000), (1, LONGEST_SIDE + 1)):
        with pytest.raises(Problem, match="make it smaller"):
            decode(bomb(width, height), "x.png", max_pixels=LIMIT)


def with_chunk(kind: bytes, body: bytes, crc: int = 0) -> bytes:
    """A PNG with one more chunk behind its header; ``crc`` spoils the chunk's checksum."""
    sound = drawing()
    check = zlib.crc32(kind + body) ^ crc
    return sound[:33] + struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check) + sound[33:]


PACKED = zlib.compress(bytes(2**20 + 1))


@pytest.mark.parametrize(
    "content",
    [
        with_chunk(b"zTXt", b"note\0\0" + PACKED),
        with_chunk(b"iTXt", b"note\0\1\0\0\0" + PACKED),
        with_chunk(b"iCCP", b"profile\0\0" + PACKED),
        drawing()[:-12] + with_chunk(b"zTXt", b"note\0\0" + PACKED)[33 : 33 + 18 + len(PACKED)] + drawing()[-12:],
    ],
    ids=["zTXt", "iTXt", "iCCP", "behind the pixels"],
)
def test_large_notes_are_told_from_damage(content: bytes) -> None:
    with pytest.raises(Problem, match="notes or colour profile are too large; save it without") as caught:
        pixels(content)
    assert caught.value.status == 413


@pytest.mark.parametrize(
    "content",
    [
        with_chunk(b"tEXt", b"note\0text", crc=1),
        encoded(Image.new("L", (64, 64)), "JPEG")[:20],
        encoded(Image.new("L", (64, 64)), "WEBP")[:20],
        encoded(Image.new("L", (64, 64)), "BMP")[:20],
    ],
)
def test_what_begins_like_an_image_is_a_damaged_one(content: bytes) -> None:
    with pytest.raises(Problem, match="is damaged or cut short"):
        pixels(content)


def test_what_is_wrong_with_notes_stays_out_of_the_log(tmp_path: Path) -> None:
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 0x0112, 2, 500, 9000) + bytes(4)
    sound = encoded(Image.new("RGB", (8, 8)), "JPEG")
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(sound[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif + sound[2:])
    code = (
        "import sys; from pathlib import Path; from models.images.image_decoding import decode; "
        "decode(Path(sys.argv[1]).read_bytes(), 1000)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(photo)], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
