"""Class folders become levels: what is read, what is refused, and what is kept for the next run."""

import numpy as np
import pytest
import torch
from PIL import Image

from models.images.preprocessing import Preprocessing
from tests.training.made_drawings import drawing, write_class
from training.datasets import image_files
from training.datasets.class_images import DataError
from training.datasets.image_files import ClassFiles, open_image, read_classes

DRAWING = Preprocessing("drawing", 20, 1)


@pytest.fixture
def classes(tmp_path):
    for index, name in enumerate("ba"):
        write_class(tmp_path / "data" / name, 3 + index, first_seed=10 * index)
    return [ClassFiles(name, f"group {name}", tuple((tmp_path / "data" / name).iterdir())) for name in ("b", "a")]


@pytest.fixture
def decoded(monkeypatch):
    """Counts the files that are really decoded."""
    opened = []

    def counting(path):
        opened.append(path)
        return open_image(path)

    monkeypatch.setattr(image_files, "open_image", counting)
    return opened


def test_levels_are_the_preprocessing_of_each_file_classes_and_files_sorted(classes):
    data = read_classes(classes, DRAWING, cache_dir=None)
    assert data.classes == ("a", "b")
    assert data.groups == ("group a", "group b")
    assert data.counts.tolist() == [4, 3]
    for index, entry in enumerate(sorted(classes, key=lambda entry: entry.name)):
        expected = torch.stack([DRAWING.levels(Image.open(path)) for path in sorted(entry.paths)])
        assert torch.equal(data.of_class(index), expected)


def test_photos_keep_three_channels(classes):
    photo = Preprocessing("photo", 16, 3, mean=(0.5, 0.5, 0.5), std=(1.0, 1.0, 1.0))
    assert read_classes(classes, photo, cache_dir=None).images.shape == (7, 3, 16, 16)


def test_second_run_decodes_nothing_and_gives_the_same(classes, tmp_path, decoded):
    first = read_classes(classes, DRAWING, cache_dir=tmp_path / "cache")
    assert len(decoded) == 7
    second = read_classes(classes[::-1], DRAWING, cache_dir=tmp_path / "cache")
    assert len(decoded) == 7
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.offsets, second.offsets)
    assert (first.classes, first.groups) == (second.classes, second.groups)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".npz"]


def test_cache_follows_files_and_preprocessing(classes, tmp_path, decoded):
    cache = tmp_path / "cache"
    before = read_classes(classes, DRAWING, cache_dir=cache)
    changed = sorted(classes[1].paths)[0]
    drawing(99).save(changed)
    after = read_classes(classes, DRAWING, cache_dir=cache)
    assert len(decoded) == 14
    assert torch.equal(after.images[0], DRAWING.levels(drawing(99)))
    assert not torch.equal(after.images[0], before.images[0])
    read_classes(classes, Preprocessing("drawing", 20, 1, margin=0.1), cache_dir=cache)
    assert len(decoded) == 21
    # Mean and std are applied later, to the same levels.
    read_classes(classes, Preprocessing("drawing", 20, 1, mean=(0.1,), std=(0.3,)), cache_dir=cache)
    assert len(decoded) == 21


def test_cache_follows_the_code_of_preprocessing(classes, tmp_path, decoded, monkeypatch):
    read_classes(classes, DRAWING, cache_dir=tmp_path)
    levels = Preprocessing.levels
    monkeypatch.setattr(Preprocessing, "levels", lambda self, image: levels(self, image) // 2)
    halved = read_classes(classes, DRAWING, cache_dir=tmp_path)
    assert len(decoded) == 14
    assert halved.images.max() <= 127


def encrypted(content):
    """Set the flag of the first entry in the archive's directory that calls it encrypted."""
    at = content.index(b"PK\x01\x02") + 8
    return content[:at] + bytes([content[at] | 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    "harm", [lambda content: content[: len(content) // 2], lambda content: b"none", encrypted]
)
def test_damaged_cache_is_made_anew(classes, tmp_path, decoded, harm):
    first = read_classes(classes, DRAWING, cache_dir=tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(harm(kept.read_bytes()))
    assert torch.equal(read_classes(classes, DRAWING, cache_dir=tmp_path / "cache").images, first.images)
    assert len(decoded) == 14
    read_classes(classes, DRAWING, cache_dir=tmp_path / "cache")
    assert len(decoded) == 14


def test_cache_that_could_run_code_is_not_loaded(classes, tmp_path, decoded):
    read_classes(classes, DRAWING, cache_dir=tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    objects = np.array([{"pickled": True}], dtype=object)
    np.savez(kept, images=objects, offsets=objects, classes=objects, groups=objects)
    assert read_classes(classes, DRAWING, cache_dir=tmp_path / "cache").classes == ("a", "b")
    assert len(decoded) == 14


def test_unwritable_cache_does_not_stop_the_run(classes, tmp_path, caplog):
    (tmp_path / "file").write_text("not a folder")
    assert len(read_classes(classes, DRAWING, cache_dir=tmp_path / "file" / "cache")) == 2
    assert "cannot be kept" in caplog.text


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n" + bytes(40), None])
def test_unreadable_image_is_named(classes, tmp_path, content):
    broken = sorted(classes[0].paths)[1]
    broken.write_bytes(broken.read_bytes()[:-30] if content is None else content)
    with pytest.raises(DataError, match=str(broken)):
        read_classes(classes, DRAWING, cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_the_name_of_a_single_unreadable_image_stays_on_one_line(tmp_path):
    for name in ("a", "b"):
        write_class(tmp_path / name, 2)
    (tmp_path / "a" / "x\n\x1b[31m.png").write_bytes(b"")
    classes = [ClassFiles(name, "", tuple((tmp_path / name).iterdir())) for name in ("a", "b")]
    with pytest.raises(DataError, match=r"/a/x\\n\\x1b\[31m\.png is empty .*; repair or remove the file$"):
        read_classes(classes, DRAWING, cache_dir=None)


@pytest.mark.parametrize(("most", "rest"), [(100, []), (5, ["  and 2 more"])])
def test_all_unreadable_images_are_named_one_on_a_line_or_counted(tmp_path, monkeypatch, most, rest):
    monkeypatch.setattr(image_files, "_NAMED_IN_ERRORS", most)
    for name in ("a", "b"):
        write_class(tmp_path / name, 4)
    broken = [tmp_path / "a" / f"{index:02}.png" for index in range(4)] + [
        tmp_path / "b" / f"{index:02}.png" for index in range(1, 4)
    ]
    for path in broken:
        path.write_bytes(b"")
    classes = [ClassFiles(name, "", tuple((tmp_path / name).iterdir())) for name in ("a", "b")]
    with pytest.raises(DataError) as fault:
        read_classes(classes, DRAWING, cache_dir=None)
    first, *named = str(fault.value).splitlines()
    assert first == "7 images cannot be read; repair or remove these files:"
    assert named == [f"  {path} is empty (0 bytes)" for path in broken[:most]] + rest


def test_too_many_pixels_are_refused_before_decoding(tmp_path, monkeypatch):
    monkeypatch.setattr(image_files, "MOST_PIXELS", 1000)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    Image.new("L", (50, 21)).save(tmp_path / "large.png")
    with pytest.raises(DataError, match=r"large\.png has 50 x 21 pixels, more than the 1000"):
        open_image(tmp_path / "large.png")


def test_fewer_than_two_classes_or_images(classes):
    with pytest.raises(DataError, match="at least 2 classes are needed, found only 'b'"):
        read_classes(classes[:1], DRAWING, cache_dir=None)
    with pytest.raises(DataError, match="at least 2 classes are needed, found none"):
        read_classes([], DRAWING, cache_dir=None)
    lonely = [ClassFiles(f"lonely{index}", "", classes[0].paths[:1]) for index in range(7)]
    with pytest.raises(DataError, match=r"'lonely0' \(1\).* and 2 more"):
        read_classes([*classes, *lonely], DRAWING, cache_dir=None)


def test_more_images_than_fit_into_memory(classes, monkeypatch):
    def refuse(*_shape, **_options):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(torch, "empty", refuse)
    photo = Preprocessing("photo", 512, 3, mean=(0.5, 0.5, 0.5), std=(1.0, 1.0, 1.0))
    many = [ClassFiles(entry.name, "", entry.paths * 1000) for entry in classes]
    with pytest.raises(
        DataError, match=r"^7,000 images of 3 x 512 x 512 levels take 5\.5 GB of memory, more than"
    ):
        read_classes(many, photo, cache_dir=None)


def test_turned_transparent_and_deep_images_come_as_the_service_takes_them(tmp_path):
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (10, 20), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: to be turned by a quarter
    photo.save(tmp_path / "turned.png", exif=exif)
    assert open_image(tmp_path / "turned.png").size == (10, 20)

    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    clear.putpixel((3, 3), (0, 0, 0, 255))
    clear.save(tmp_path / "clear.png")
    on_white = np.asarray(open_image(tmp_path / "clear.png").convert("L"))
    assert on_white[3, 3] == 0
    assert on_white.sum() == 255 * 63

    deep = np.array([[0, 257, 65535]], dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.asarray(open_image(tmp_path / "deep.png")).tolist() == [[0, 1, 255]]
