"""Any class-per-folder tree: what counts as a class, and who is in which split."""

import os
import shutil

import pytest

from models.images.preprocessing import Preprocessing
from tests.training.made_drawings import write_class
from training.datasets import folder
from training.datasets.class_images import DataError
from training.datasets.splits import SPLITS, shuffled

DRAWING = Preprocessing("drawing", 16, 1)


def load(split, root, **options):
    return folder.load(split, root, DRAWING, cache_dir=None, **options)


def test_shuffled_is_a_permutation_that_a_newcomer_does_not_disturb():
    names = [f"class{index}" for index in range(50)]
    order = shuffled(names, 3)
    assert sorted(order) == sorted(names)
    assert order == shuffled(reversed(names), 3)
    assert order != shuffled(names, 4)
    assert [name for name in shuffled([*names, "newcomer"], 3) if name != "newcomer"] == order


def test_names_that_are_no_utf8_are_shuffled_too():
    assert sorted(shuffled(["caf\udce9", "café", "tea"], 0)) == ["café", "caf\udce9", "tea"]


def test_nested_classes_are_named_by_path_and_grouped_by_parent(tmp_path):
    write_class(tmp_path / "Greek" / "alpha", 2)
    write_class(tmp_path / "Greek" / "old" / "digamma", 3)
    write_class(tmp_path / "loose", 2, suffix=".JPG")
    tree = folder.scan(tmp_path)
    assert [(entry.name, entry.group, len(entry.paths)) for entry in tree.classes] == [
        ("Greek/alpha", "Greek", 2),
        ("Greek/old/digamma", "Greek/old", 3),
        ("loose", "", 2),
    ]
    assert tree.ignored == ()


def test_what_is_no_image_is_left_out_and_counted(tmp_path, caplog):
    for index in range(6):
        write_class(tmp_path / f"class{index}", 2)
    (tmp_path / "class0" / "notes.txt").write_text("not an image")
    (tmp_path / "class0" / ".hidden.png").write_bytes(b"")
    write_class(tmp_path / ".hidden", 2)
    write_class(tmp_path, 1)  # beside the classes, in none
    assert len(folder.scan(tmp_path).ignored) == 3
    assert [entry.name for entry in folder.scan(tmp_path).classes] == [f"class{index}" for index in range(6)]
    load("train", tmp_path)
    assert [record.getMessage().removeprefix(f"{tmp_path}: ") for record in caplog.records] == [
        "class0/notes.txt was left out: only PNG, JPEG, WebP and BMP are read; convert it if it is an image",
        "class0/.hidden.png was left out: it is hidden",
        "00.png was left out: it is in no class's folder",
    ]


def test_images_of_formats_that_are_not_read_are_counted_by_suffix(tmp_path, caplog):
    for index in range(6):
        write_class(tmp_path / f"class{index}", 2)
    for number in range(3):
        (tmp_path / "class0" / f"{number}.TIF").write_bytes(b"")
        (tmp_path / "class6").mkdir(exist_ok=True)
        (tmp_path / "class6" / f"{number}\n.gif").write_bytes(b"")
    (tmp_path / "class7").mkdir()
    (tmp_path / "class7" / "scan.gif").write_bytes(b"")
    (tmp_path / "class7" / "LICENCE").write_bytes(b"")
    (tmp_path / "class7" / "a.\x1b[31m").write_bytes(b"")
    load("train", tmp_path)
    assert [record.getMessage().removeprefix(f"{tmp_path}: ") for record in caplog.records] == [
        r"9 files (4 .gif, 3 .tif, 1 without a suffix, 1 .\x1b[31m) such as class0/0.TIF were left out: only "
        "PNG, JPEG, WebP and BMP are read; convert those that are images",
        "2 folders such as class6 hold no PNG, JPEG, WebP or BMP image and are no classes",
    ]
    caplog.clear()
    shutil.rmtree(tmp_path / "class0")
    (tmp_path / "class0").mkdir()
    os.mkfifo(tmp_path / "class0" / "1.png")
    os.mkfifo(tmp_path / "class0" / "2.png")
    write_class(tmp_path / "class8", 2)
    load("train", tmp_path)
    assert "2 files such as class0/1.png were left out: they are pipes or devices" in caplog.text


def test_what_is_no_file_is_left_out_and_a_link_to_nothing_told(tmp_path):
    for index in range(6):
        write_class(tmp_path / "all" / f"class{index}", 2)
    os.mkfifo(tmp_path / "all" / "class0" / "pipe.png")
    tree = folder.scan(tmp_path / "all")
    assert tree.ignored == (tmp_path / "all" / "class0" / "pipe.png",)
    assert [len(entry.paths) for entry in tree.classes] == [2] * 6
    for index in range(6):
        (tmp_path / "all" / f"class{index}" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(
        DataError, match=r"2 images cannot be read; repair or remove these files:\n.*gone\.png cannot be read \("
    ):
        folder.load("train", tmp_path / "all", DRAWING, cache_dir=tmp_path / "cache")


def test_folders_without_images_are_counted(tmp_path, caplog):
    for index in range(6):
        write_class(tmp_path / f"class{index}", 2)
    (tmp_path / "class6").mkdir()
    (tmp_path / "class7" / "notes").mkdir(parents=True)
    (tmp_path / "class7" / "notes" / "readme.txt").write_text("not an image")
    assert len(folder.scan(tmp_path).empty) == 2
    load("train", tmp_path)
    assert "2 folders such as class6 hold no PNG, JPEG, WebP or BMP image and are no classes" in caplog.text


def test_one_file_and_one_folder_are_told_by_name_and_once(tmp_path, caplog):
    for index in range(6):
        write_class(tmp_path / f"class{index}", 2)
    (tmp_path / "class0" / "notes.txt").write_text("not an image")
    (tmp_path / "class6").mkdir()
    for split in SPLITS:
        load(split, tmp_path)
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: class0/notes.txt was left out: only PNG, JPEG, WebP and BMP are read; convert it if it is "
        "an image",
        f"{tmp_path}: class6 holds no PNG, JPEG, WebP or BMP image and is no class",
    ]


def test_links_in_a_circle_end(tmp_path):
    write_class(tmp_path / "tree" / "a", 2)
    (tmp_path / "tree" / "a" / "up").symlink_to(tmp_path / "tree")
    write_class(tmp_path / "elsewhere", 2)
    (tmp_path / "tree" / "linked").symlink_to(tmp_path / "elsewhere")
    assert {entry.name for entry in folder.scan(tmp_path / "tree").classes} == {"a", "linked"}


def test_seeded_splits_are_disjoint_and_complete(tmp_path):
    for index in range(20):
        write_class(tmp_path / f"class{index:02}", 2)
    parts = {split: load(split, tmp_path, seed=1).classes for split in SPLITS}
    assert {split: len(names) for split, names in parts.items()} == {"train": 14, "validation": 3, "test": 3}
    assert len(set().union(*parts.values())) == 20
    assert parts == {split: load(split, tmp_path, seed=1).classes for split in SPLITS}
    assert parts["test"] != load("test", tmp_path, seed=2).classes


def test_too_few_classes_to_split(tmp_path):
    for index in range(5):
        write_class(tmp_path / f"class{index}", 2)
    with pytest.raises(DataError, match=r"holds 5 classes, at least 6 are needed"):
        load("train", tmp_path)
    write_class(tmp_path / "class5", 2)
    assert [len(load(split, tmp_path)) for split in SPLITS] == [2, 2, 2]


@pytest.mark.parametrize("validation", ["val", "valid", "validation"])
def test_tree_that_is_split_already(tmp_path, validation):
    for top, names in (("train", "abc"), (validation, "de"), ("test", "fg")):
        for name in names:
            write_class(tmp_path / top / name, 2)
    assert {split: load(split, tmp_path).classes for split in SPLITS} == {
        "train": ("a", "b", "c"),
        "validation": ("d", "e"),
        "test": ("f", "g"),
    }


@pytest.mark.parametrize("tops", [("train", "val", "test"), ("Train", "Val", "Test")])
def test_folders_beside_those_of_the_splits_do_not_mix_them(tmp_path, caplog, tops):
    for top, names in zip(tops, ("abc", "de", "fg"), strict=True):
        for name in names:
            write_class(tmp_path / top / name, 2)
    write_class(tmp_path / "more" / "h", 2)
    assert [load(split, tmp_path).classes for split in SPLITS] == [("a", "b", "c"), ("d", "e"), ("f", "g")]
    assert "more left out, beside the folders of the splits" in caplog.text


def test_split_whose_folder_holds_images_without_classes(tmp_path):
    for top in ("train", "val"):
        for name in "ab":
            write_class(tmp_path / top / name, 2)
    write_class(tmp_path / "test", 2)
    assert load("train", tmp_path).classes == ("a", "b")
    with pytest.raises(DataError, match="test holds no folder with images"):
        load("test", tmp_path)


def test_split_that_a_divided_tree_lacks(tmp_path):
    for name in "ab":
        write_class(tmp_path / "train" / name, 2)
        write_class(tmp_path / "val" / name, 2)
    with pytest.raises(DataError, match="divided into train, val, the test split needs one folder named test"):
        load("test", tmp_path)
    write_class(tmp_path / "valid" / "a", 2)
    with pytest.raises(DataError, match="one folder named val or valid or validation"):
        load("validation", tmp_path)


@pytest.mark.parametrize("wrapper", ["data", "archive/data"])
def test_a_division_below_a_folder_with_nothing_beside_it(tmp_path, wrapper):
    for top, names in (("train", "abc"), ("val", "de"), ("test", "fg")):
        for name in names:
            write_class(tmp_path / wrapper / top / name, 2)
    assert [load(split, tmp_path).classes for split in SPLITS] == [("a", "b", "c"), ("d", "e"), ("f", "g")]
    shutil.rmtree(tmp_path / wrapper / "val")
    with pytest.raises(DataError, match="data is divided into test, train, the validation split needs"):
        load("validation", tmp_path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Training/{}", "Test/{}"),
        ("seg_train/{}", "seg_test/{}"),
        ("seg_train/seg_train/{}", "seg_test/seg_test/{}"),
        ("{}/train", "{}/test"),
        ("train2017/{}/images", "val2017/{}/images"),
        ("old/TrainSet/{}", "old/TestSet/{}"),
        ("{}", "test/{}"),
        ("{}_train", "{}_val"),
    ],
)
def test_classes_whose_images_are_parted_are_refused(tmp_path, one, other):
    for index in range(6):
        for path in (one, other):
            write_class(tmp_path / path.format(f"c{index}"), 2)
    with pytest.raises(DataError, match=r"hold 6 classes more than once, for example as .*c0.* and .*c0"):
        load("train", tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        [f"{alphabet}/character{index:02d}" for alphabet in ("Greek", "Latin") for index in range(1, 4)],
        [f"images/class{index}" for index in range(6)],
        [f"data/train/class{index}" for index in range(6)],
        ["train", "test", "car", "bus", "tram", "ship"],
        [f"Training/class{index}" for index in range(3)] + [f"Test/class{index}" for index in range(3, 6)],
        [f"test{index}" for index in range(6)],
        ["+", "-", "tester", "trainer", "valley", "valid"],
    ],
)
def test_other_classes_are_divided_by_the_seed_and_keep_their_paths(tmp_path, names):
    for name in names:
        write_class(tmp_path / name, 2)
    found = [name for split in SPLITS for name in load(split, tmp_path).classes]
    assert sorted(found) == sorted(names)


def test_classes_named_like_splits_are_classes(tmp_path):
    for name in ("train", "test"):
        write_class(tmp_path / name, 2)
    with pytest.raises(DataError, match="holds 2 classes"):
        load("train", tmp_path)


def test_no_folder_and_no_images(tmp_path):
    with pytest.raises(DataError, match="is not a folder"):
        load("train", tmp_path / "missing")
    (tmp_path / "train" / "empty").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no folder with images"):
        load("train", tmp_path)
