"""Omniglot: split by alphabet, from an unpacked tree or a download by torchvision or learn2learn."""

import hashlib
import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import torchvision.datasets.omniglot as torchvision_omniglot

from models.images.preprocessing import Preprocessing
from tests.training.made_drawings import write_class
from training.datasets import omniglot
from training.datasets.class_images import DataError
from training.datasets.splits import shuffled

DRAWING = Preprocessing("drawing", 16, 1)
BACKGROUND = ("Greek", "Korean", "Early_Aramaic", "Latin")  # two for validation, two for training
EVALUATION = ("Tengwar", "Aurek-Besh")


def lay_part(folder, alphabets, first_seed=0):
    for place, alphabet in enumerate(alphabets):
        for character in (1, 2):
            write_class(folder / alphabet / f"character{character:02}", 2, first_seed + 10 * place + character)


def load(split, data_dir, **options):
    return omniglot.load(split, data_dir, DRAWING, cache_dir=None, **options)


class SilentHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def tree(tmp_path):
    lay_part(tmp_path / "omniglot" / "images_background", BACKGROUND)
    lay_part(tmp_path / "omniglot" / "images_evaluation", EVALUATION, first_seed=500)
    return tmp_path


@pytest.fixture
def site(tmp_path_factory, monkeypatch):
    """Serves small archives on this machine to the real download code of torchvision."""
    folder = tmp_path_factory.mktemp("site")
    sums = {}
    for part, alphabets in (("images_background", BACKGROUND), ("images_evaluation", EVALUATION)):
        lay_part(folder / part, alphabets)
        archive = Path(shutil.make_archive(str(folder / part), "zip", folder, part))
        sums[part] = hashlib.md5(archive.read_bytes()).hexdigest()
    handler = partial(SilentHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(torchvision_omniglot.Omniglot, "download_url_prefix", address)
        monkeypatch.setattr(torchvision_omniglot.Omniglot, "zips_md5", sums)
        yield folder
        server.shutdown()


def test_validation_alphabets_are_those_that_the_seed_chose():
    assert len(set(omniglot.BACKGROUND_ALPHABETS)) == 30
    chosen = shuffled(omniglot.BACKGROUND_ALPHABETS, omniglot.VALIDATION_SEED)[:5]
    assert tuple(sorted(chosen)) == omniglot.VALIDATION_ALPHABETS


def test_splits_share_no_alphabet(tree):
    groups = {split: set(load(split, tree).groups) for split in ("train", "validation", "test")}
    assert groups == {
        "train": {"Korean", "Latin"},
        "validation": {"Greek", "Early_Aramaic"},
        "test": set(EVALUATION),
    }
    data = load("train", tree)
    assert data.classes == tuple(f"{a}/character{c}" for a in ("Korean", "Latin") for c in ("01", "02"))
    assert data.groups == ("Korean", "Korean", "Latin", "Latin")
    assert data.counts.tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize("layout", ["omniglot", "omniglot-py", "omniglot/omniglot-py", "."])
def test_every_layout_gives_the_same(tree, tmp_path_factory, layout):
    other = tmp_path_factory.mktemp("other")
    shutil.copytree(tree / "omniglot", other / layout, dirs_exist_ok=True)
    assert torch.equal(load("test", other).images, load("test", tree).images)


def test_hidden_files_of_a_mac_are_no_drawings(tree):
    before = load("test", tree)
    for drawing in list((tree / "omniglot").rglob("*.png")):
        drawing.with_name(f"._{drawing.name}").write_bytes(b"\0\5\x16\7")
    assert torch.equal(load("test", tree).images, before.images)


def test_empty_folder_does_not_hide_another_layout(tree, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "omniglot" / "images_evaluation").mkdir(parents=True)
    with pytest.raises(DataError, match="does not hold Omniglot's images_evaluation"):
        load("test", other)
    shutil.copytree(tree / "omniglot", other / "omniglot-py")
    assert load("test", other).classes == load("test", tree).classes


def test_missing_data_say_what_to_put_where(tmp_path):
    with pytest.raises(DataError) as caught:
        load("test", tmp_path)
    message = str(caught.value)
    assert str(tmp_path / "omniglot" / "images_evaluation") in message
    assert "images_evaluation.zip" in message
    assert "--download" in message


def test_tree_without_the_alphabets_of_a_split(tmp_path):
    lay_part(tmp_path / "omniglot" / "images_background", ["Latin"])
    with pytest.raises(DataError, match="no alphabet of the validation split"):
        load("validation", tmp_path)


def test_download_by_torchvision(site, tree, tmp_path_factory):
    fresh = tmp_path_factory.mktemp("fresh")
    for split in ("train", "validation", "test"):
        assert load(split, fresh, download=True).classes == load(split, tree).classes
    assert (fresh / "omniglot-py" / "images_background").is_dir()
    shutil.rmtree(site)  # from here on everything must come from what was downloaded
    assert load("train", fresh).classes == load("train", fresh, download=True).classes


def test_tree_is_not_downloaded_again(tree, monkeypatch):
    monkeypatch.setattr(torchvision_omniglot.Omniglot, "download", lambda self: pytest.fail("downloaded"))
    assert len(load("train", tree, download=True)) == 4


def test_download_by_learn2learn_is_read(site, tmp_path):
    from learn2learn.vision.datasets import FullOmniglot  # slow to import

    theirs = FullOmniglot(str(tmp_path), download=True)
    ours = [load(split, tmp_path) for split in ("train", "validation", "test")]
    assert sum(len(part.images) for part in ours) == len(theirs) == 24
    shown = sorted(DRAWING.levels(image).numpy().tobytes() for image, _ in theirs)
    assert shown == sorted(image.numpy().tobytes() for part in ours for image in part.images)


def test_interrupted_unpacking_is_noticed_and_mended(site, tmp_path):
    whole = load("train", tmp_path, download=True)
    shutil.rmtree(tmp_path / "omniglot-py" / "images_background" / "Latin")
    with pytest.raises(DataError, match=r"lacks drawings that images_background\.zip beside it holds"):
        load("train", tmp_path)
    assert load("train", tmp_path, download=True).classes == whole.classes


def test_download_stands_in_for_a_tree_unpacked_in_part(site, tmp_path):
    shutil.copytree(site / "images_background", tmp_path / "omniglot" / "images_background")
    shutil.copy(site / "images_background.zip", tmp_path / "omniglot")
    shutil.rmtree(tmp_path / "omniglot" / "images_background" / "Latin")
    whole = load("train", tmp_path, download=True)
    assert load("train", tmp_path).classes == whole.classes
    assert set(whole.groups) == {"Korean", "Latin"}


def test_failed_download_says_what_to_do(site, tmp_path):
    shutil.rmtree(site)
    with pytest.raises(DataError, match="could not be downloaded"):
        load("test", tmp_path, download=True)


@pytest.mark.skipif("METASHOT_DATA" not in os.environ, reason="set METASHOT_DATA to a folder with omniglot")
def test_real_background_alphabets():
    root = Path(os.environ["METASHOT_DATA"])
    found = next((root / layout / "images_background" for layout in omniglot._LAYOUTS), root)
    if not found.is_dir():
        pytest.skip(f"{root} does not hold Omniglot's background alphabets")
    assert tuple(sorted(path.name for path in found.iterdir() if path.is_dir())) == omniglot.BACKGROUND_ALPHABETS
    assert sum(len(list(found.glob(f"{name}/*"))) for name in omniglot.VALIDATION_ALPHABETS) == 142
