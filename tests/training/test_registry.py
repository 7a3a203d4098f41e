"""Data sets by name, and where they lie."""

import pytest

from models.images.preprocessing import Preprocessing
from tests.training.made_drawings import write_class
from training.datasets.registry import NAMES, DataError, load_split

DRAWING = Preprocessing("drawing", 16, 1)
PHOTO = Preprocessing("photo", 16, 3, mean=(0.0,) * 3, std=(1.0,) * 3)


@pytest.fixture
def data_dir(tmp_path):
    for top, names in (("train", "abc"), ("val", "de")):
        for name in names:
            write_class(tmp_path / "mini_imagenet" / top / f"n{name}", 2, suffix=".jpg")
    for alphabet in ("Latin", "Greek"):
        for character in (1, 2):
            write_class(tmp_path / "omniglot" / "images_background" / alphabet / f"character{character:02}", 2)
    return tmp_path


def test_every_name_loads(data_dir):
    loaded = {
        name: load_split(
            name,
            "validation",
            data_dir=data_dir / "mini_imagenet" if name == "folder" else data_dir,
            preprocessing=PHOTO if name in ("mini_imagenet", "folder") else DRAWING,
            classes=3,
            cache_dir=None,
        )
        for name in NAMES
    }
    assert loaded["omniglot"].classes == ("Greek/character01", "Greek/character02")
    assert loaded["mini_imagenet"].classes == loaded["folder"].classes == ("nd", "ne")
    assert len(loaded["strokes"]) == 3


def test_mini_imagenet_is_never_divided_anew(tmp_path):
    for name in "abcdefgh":
        write_class(tmp_path / "mini_imagenet" / "train" / name, 2, suffix=".jpg")
        write_class(tmp_path / "mini_imagenet" / "more" / name, 2, suffix=".jpg")
    assert len(load_split("mini_imagenet", "train", data_dir=tmp_path, preprocessing=PHOTO, cache_dir=None)) == 8
    with pytest.raises(DataError, match="the test split needs one folder named test"):
        load_split("mini_imagenet", "test", data_dir=tmp_path, preprocessing=PHOTO, cache_dir=None)


def test_data_dir_of_the_environment(data_dir, monkeypatch):
    monkeypatch.setenv("METASHOT_DATA", str(data_dir))
    assert len(load_split("mini_imagenet", "train", preprocessing=PHOTO, cache_dir=None)) == 3
    monkeypatch.delenv("METASHOT_DATA")
    with pytest.raises(DataError, match="--data-dir DIR, or the environment variable METASHOT_DATA"):
        load_split("mini_imagenet", "train", preprocessing=PHOTO)
    # What needs no data needs no folder.
    assert len(load_split("strokes", "train", preprocessing=DRAWING, classes=2)) == 2


@pytest.mark.parametrize(
    ("name", "split", "message"),
    [
        ("imagenet", "train", "there is no data set 'imagenet'; there are omniglot"),
        ("strokes", "dev", "there is no split 'dev'; there are train, validation, test"),
        ("mini_imagenet", "test", r"\{train,val,test\}/<wnid>"),
    ],
)
def test_errors_name_what_there_is(tmp_path, name, split, message):
    with pytest.raises(DataError, match=message):
        load_split(name, split, data_dir=tmp_path, preprocessing=DRAWING)
